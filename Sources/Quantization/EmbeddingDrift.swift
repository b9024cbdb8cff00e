import Inference
import LinearAlgebra
import Tensors

/// How far the embeddings of two networks are apart, picture by picture and among one another.
struct EmbeddingDrift {
    /// How many neighbours are compared.
    private static let neighbours = 10
    /// How many similarities are computed at a time: 16 MiB.
    private static let blockElements = 1 << 22

    /// The number of pictures.
    var count: Int { cosines.count }

    private var width = 0
    private var exact: [Float] = []
    private var rounded: [Float] = []
    private var cosines: [Double] = []
    private var changed = 0

    /// Adds some pictures.
    ///
    /// - Parameters:
    ///   - vectors: The float network's embeddings, `[n, D]`, unit length.
    ///   - distances: Its distances to the centroids, `[n, K]`.
    ///   - found: What the int8 network says of them.
    mutating func add(
        _ vectors: Tensor<Float>, distances: Tensor<Float>, _ found: [Embedding]
    ) {
        width = vectors.rowSize
        exact += vectors.elements
        for (row, result) in found.enumerated() {
            rounded += result.vector
            cosines.append(
                zip(vectors[row: row], result.vector).reduce(0.0) {
                    $0 + Double($1.0) * Double($1.1)
                })
            let distances = distances[row: row]
            let nearest = distances.indices.min { distances[$0] < distances[$1] }
            if nearest.map({ $0 - distances.startIndex }) != result.cluster { changed += 1 }
        }
    }

    /// The mean cosine between the embeddings of a picture.
    var meanCosine: Double { cosines.reduce(0, +) / Double(max(count, 1)) }

    /// The cosine that a share of the pictures is at or below (the nearest rank; 0 gives the
    /// least of all).
    func cosine(atShare share: Double) -> Double {
        guard count > 0 else { return 1 }
        let rank = Int((share * Double(count)).rounded(.up))
        return cosines.sorted()[max(rank, 1) - 1]
    }

    /// The share of the pictures that go to another cluster.
    var changedShare: Double { Double(changed) / Double(max(count, 1)) }

    /// The mean share of a picture's 10 nearest other pictures that both networks agree on; of
    /// all the others where there are fewer.
    func neighbourOverlap() -> Double {
        let wanted = min(Self.neighbours, count - 1)
        guard wanted > 0 else { return 1 }
        let lists = [exact, rounded].map {
            Self.neighbours(of: Tensor($0, shape: [count, width]), count: wanted)
        }
        let common = zip(lists[0], lists[1]).reduce(0) {
            $0 + $1.0.intersection($1.1).count
        }
        return Double(common) / Double(count * wanted)
    }

    /// For each row the rows with the largest dot products, ties to the earlier.
    private static func neighbours(of vectors: Tensor<Float>, count: Int) -> [Set<Int>] {
        let n = vectors.shape[0]
        let step = max(1, blockElements / n)
        return (0..<n).batches(of: step).flatMap { rows in
            let similarities = vectors.rows(at: rows).multiplied(by: vectors, transposeOther: true)
            return rows.map { row in
                nearest(similarities[row: row - rows.lowerBound], except: row, count: count)
            }
        }
    }

    private static func nearest(
        _ similarities: ArraySlice<Float>, except own: Int, count: Int
    ) -> Set<Int> {
        var found: [(position: Int, similarity: Float)] = []
        for (position, similarity) in similarities.enumerated() where position != own {
            if found.count == count, similarity <= found[count - 1].similarity { continue }
            let place = found.firstIndex { $0.similarity < similarity } ?? found.count
            found.insert((position, similarity), at: place)
            if found.count > count { found.removeLast() }
        }
        return Set(found.map(\.position))
    }
}
