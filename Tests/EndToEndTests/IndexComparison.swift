import Foundation
import Testing

/// Compares an index with its folder and with a search written apart from the product.
struct IndexComparison {
    private let contents: IndexContents

    init(_ index: String) async throws { contents = try await IndexContents(of: index) }

    /// Expects exactly the regular files below `folder`, with their sizes and digests.
    func expectFiles(below folder: String) async throws {
        let digests = try await Outcome(
            of: "/usr/bin/env", ["find", folder, "-type", "f", "-exec", "sha256sum", "{}", "+"])
        let lines = digests.output.split(separator: "\n").map { line in
            (path: String(line.dropFirst(66)), sha256: String(line.prefix(64)))
        }
        let files = Dictionary(uniqueKeysWithValues: lines.map { ($0.path, $0.sha256) })
        let indexed = contents.pictures.values
        #expect(contents.others == 0)
        #expect(Set(files.keys) == Set(indexed.map(\.path)))
        #expect(indexed.count == files.count)
        for picture in indexed {
            #expect(picture.sha256 == files[picture.path], "\(picture.path)")
            let attributes = try FileManager.default.attributesOfItem(atPath: picture.path)
            #expect(picture.size == attributes[.size] as? Int, "\(picture.path)")
        }
    }

    /// Expects the 20 largest dot products of each picture with the others, ties to the lower
    /// id; 1e-6 is left for the order of summation.
    func expectExactNeighbours() async {
        let pictures = contents.pictures.values.sorted { $0.id < $1.id }
        let vectors = pictures.map { picture in picture.vector.map { Double($0) } }
        let places = Dictionary(
            uniqueKeysWithValues: pictures.enumerated().map { ($0.element.id, $0.offset) })
        for (place, picture) in pictures.enumerated() {
            await Task.yield()  // This takes seconds, and there are other tests.
            let products = vectors.map { dot($0, vectors[place]) }
            let nearest = products.indices.filter { $0 != place }
                .sorted { (products[$1], $0) < (products[$0], $1) }.prefix(20)
            let stored = contents.neighbours[picture.id] ?? []
            #expect(stored.count == nearest.count, "picture \(picture.id)")
            #expect(Set(stored.map(\.id)).count == stored.count, "picture \(picture.id)")
            for (rank, (found, expected)) in zip(stored, nearest).enumerated() {
                guard let foundPlace = places[found.id], foundPlace != place else {
                    Issue.record("picture \(picture.id): neighbour \(found.id) is none")
                    continue
                }
                // Another picture than expected is right only where the two are as near.
                let matches =
                    abs(found.similarity - products[foundPlace]) <= 1e-6
                    && abs(products[foundPlace] - products[expected]) <= 1e-6
                #expect(
                    matches, "picture \(picture.id), rank \(rank + 1): \(found), \(expected)")
            }
        }
    }

    /// Expects each picture in the cluster of the nearest centroid, and unit vectors.
    func expectNearestClusters() {
        for picture in contents.pictures.values {
            let vector = picture.vector.map { Double($0) }
            #expect(abs(dot(vector, vector) - 1) < 1e-5, "\(picture.path)")
            let distances = contents.centroids.mapValues { centroid in
                zip(centroid, vector).reduce(0.0) {
                    $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1)
                }
                .squareRoot()
            }
            let found = distances[picture.cluster] ?? .infinity
            #expect(found <= (distances.values.min() ?? 0) + 1e-5, "\(picture.path)")
            #expect(abs(found - picture.distance) < 1e-5, "\(picture.path)")
        }
    }

    private func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for i in a.indices { sum += a[i] * b[i] }
        return sum
    }
}
