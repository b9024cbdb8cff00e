package import Clustering
package import Tensors

/// How well clusters agree with the labels of their pictures.
public struct ClusterFigures: Codable, Equatable, Sendable {
    /// The number of clusters.
    public let clusters: Int
    /// The mutual information adjusted for chance, by the arithmetic mean of the entropies.
    public let ami: Double
    /// The mutual information normalized by the arithmetic mean of the entropies.
    public let nmi: Double
    /// The share of pairs of pictures on which clusters and labels agree, adjusted for chance.
    public let ari: Double
    /// The share of pictures with the commonest label of their cluster.
    public let purity: Double
    /// The share of pictures whose cluster stands for their label where each label has one
    /// cluster at most, by the best such matching (Hungarian method).
    public let accuracy: Double

    /// Given figures.
    package init(
        clusters: Int, ami: Double, nmi: Double, ari: Double, purity: Double, accuracy: Double
    ) {
        (self.clusters, self.ami, self.nmi) = (clusters, ami, nmi)
        (self.ari, self.purity, self.accuracy) = (ari, purity, accuracy)
    }

    /// The figures of an assignment.
    ///
    /// - Parameters:
    ///   - assignments: The cluster of each picture.
    ///   - clusters: The number of clusters, used or not.
    ///   - labels: The label of each picture.
    package init(of assignments: [Int32], clusters: Int, labels: [Int]) {
        self.init(
            clusters: clusters,
            ami: ClusterQuality.adjustedMutualInformation(assignments, labels),
            nmi: ClusterQuality.normalizedMutualInformation(
                assignments, labels, average: .arithmetic),
            ari: ClusterQuality.adjustedRandIndex(assignments, labels),
            purity: ClusterQuality.purity(clusters: assignments, labels: labels),
            accuracy: LabelMatching.accuracy(clusters: assignments, labels: labels))
    }

    /// The seeds of the k-means runs whose figures are averaged.
    package static let seeds: [UInt32] = [1, 2, 3]

    /// The mean figures of k-means fitted on the embeddings, over three seeds.
    ///
    /// - Parameters:
    ///   - embeddings: `[n, d]`, unit length.
    ///   - clusters: The number of clusters.
    ///   - labels: The label of each picture.
    /// - Throws: `ClusteringError` for fewer embeddings than clusters, or one not finite.
    package init(
        fittedOn embeddings: Tensor<Float>, clusters: Int, labels: [Int]
    ) throws(ClusteringError) {
        var runs: [ClusterFigures] = []
        for seed in Self.seeds {
            let result = try KMeans(clusters: clusters, seed: seed).fit(embeddings)
            runs.append(ClusterFigures(of: result.assignments, clusters: clusters, labels: labels))
        }
        func mean(_ figure: (ClusterFigures) -> Double) -> Double {
            runs.reduce(0) { $0 + figure($1) } / Double(runs.count)
        }
        self.init(
            clusters: clusters, ami: mean(\.ami), nmi: mean(\.nmi), ari: mean(\.ari),
            purity: mean(\.purity), accuracy: mean(\.accuracy))
    }
}
