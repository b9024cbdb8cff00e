import Answers
import ArgumentParser
import Clustering
import Foundation
import Tensors

/// What `run cluster` measures: k-means and PCA on files of numbers, timed when told; and what
/// `run scale` does, both on as many seeded points as are asked for.
///
/// The first two print `{"ready": 1}`, then for each line `run N` the seconds of N runs, and for
/// `result FILE` writes what the last run found.
@main
struct ClusterBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster-bench", abstract: "Times k-means and PCA on request.",
        subcommands: [TimedKMeans.self, TimedPCA.self, Scale.self])
}

struct TimedKMeans: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kmeans", abstract: "k-means from given centroids; the result is these.")

    @Argument(help: "Points, [n, d] floats as raw bytes.")
    var points: String

    @Argument(help: "The first centroids, [K, d] floats as raw bytes.")
    var initial: String

    @Option(help: "The number of dimensions d.")
    var dimension: Int

    @Option(help: "The number of updates.")
    var iterations = 20

    func run() throws {
        let points = try Tensor(contentsOf: points, columns: dimension)
        let initial = try Tensor(contentsOf: initial, columns: dimension)
        let kMeans = KMeans(clusters: initial.shape[0], iterations: iterations)
        try answerLines { try kMeans.fit(points, initial: initial).centroids.elements }
    }
}

struct TimedPCA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pca", abstract: "PCA; the result is the rows of the projection.")

    @Argument(help: "Features, [n, d] floats as raw bytes.")
    var features: String

    @Option(help: "The number of dimensions d.")
    var dimension: Int

    @Option(help: "The number of components kept.")
    var components = 256

    func run() throws {
        let features = try Tensor(contentsOf: features, columns: dimension)
        try answerLines {
            try PCA(fitting: features, components: components, whiteningExponent: 0)
                .projection.elements
        }
    }
}

/// Times `body` as often as each line says, until the input ends.
private func answerLines(_ body: () throws -> [Float]) throws {
    var last: [Float] = []
    try printJSON(["ready": 1])
    while let line = readLine() {
        let words = line.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("run", 2):
            try printJSON(timed(calls: Int(words[1]) ?? 1) { last = try body() })
        case ("result", 2):
            try unsafe last.withUnsafeBytes { unsafe Data($0) }.write(to: URL(filePath: words[1]))
            try printJSON(["count": last.count])
        default:
            throw ValidationError("'\(line)' is neither 'run N' nor 'result FILE'")
        }
    }
}

extension Tensor<Float> {
    /// The rows of a file of raw floats.
    fileprivate init(contentsOf path: String, columns: Int) throws {
        let bytes = try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
        var values = [Float](repeating: 0, count: bytes.count / 4)
        _ = unsafe values.withUnsafeMutableBytes { unsafe bytes.copyBytes(to: $0) }
        self.init(values, shape: [values.count / columns, columns])
    }
}
