import Answers
import ArgumentParser
import Clustering
import Foundation
import Tensors

/// PCA and k-means, one after the other, on seeded points as embeddings are: of unit length, in
/// overlapping groups.
struct Scale: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Times PCA and k-means on seeded points and tells the memory they took.")

    @Option(help: "The number of points.")
    var points: Int

    @Option(help: "The number of dimensions.")
    var dimension = 256

    @Option(help: "The number of clusters.")
    var clusters: Int

    @Option(help: "The number of updates.")
    var iterations: Int

    func run() throws {
        var rows = seededPoints()
        var (pca, kMeans) = (0.0, 0.0)
        pca = try timed(calls: 1) {
            let fitted = try PCA(fitting: rows, components: dimension)
            rows = fitted.apply(to: rows)
        }[0]
        var found: KMeansResult?
        kMeans = try timed(calls: 1) {
            found = try KMeans(clusters: clusters, iterations: iterations).fit(rows)
        }[0]
        guard let found else { return }
        try printJSON(
            Answer(
                pca: pca, kMeans: kMeans, updates: found.objectives.count,
                objectives: found.objectives + [found.squaredDistances.reduce(0) { $0 + Double($1) }],
                repairs: found.repairs, emptyClusters: found.emptyClusters,
                peakBytes: try peakBytes()))
    }

    private struct Answer: Encodable {
        let pca, kMeans: Double
        let updates: Int
        /// The sum of squared distances before each update and at the end.
        let objectives: [Double]
        let repairs, emptyClusters, peakBytes: Int
    }

    private func seededPoints() -> Tensor<Float> {
        var random = SeededGenerator(seed: 1807)
        let groups = random.normals(1_000 * dimension, deviation: 1)
        var values: [Float] = []
        values.reserveCapacity(points * dimension)
        for _ in 0..<points {
            let group = random.index(below: 1_000) * dimension
            let point = (0..<dimension).map { groups[group + $0] + 2 * random.normal() }
            let length = point.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for value in point { values.append(value / length) }
        }
        return Tensor(values, shape: [points, dimension])
    }

    /// The most memory that this process has had resident.
    private func peakBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        guard let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first else {
            throw ValidationError("/proc/self/status has no VmHWM")
        }
        return (Int(kibibytes) ?? 0) * 1024
    }
}
