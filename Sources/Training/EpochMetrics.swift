private import Clustering
public import Pictures

/// What one epoch did: a line of the run folder's `metrics.jsonl`.
public struct EpochMetrics: Codable, Sendable, Equatable {
    /// The epoch, from 0.
    public var epoch: Int
    /// The mean training loss.
    public var loss: Double
    /// The learning rate of the last step.
    public var learningRate: Float
    /// The objective of k-means: the mean squared distance of a picture to its centroid.
    public var objective: Double
    /// How well the assignment agrees with that of the epoch before: the normalized mutual
    /// information with the geometric mean, as in the paper; `nil` in the first epoch.
    public var nmiPrevious: Double?
    /// The share of pictures that left their cluster, clusters matched one to one with those of
    /// the epoch before; `nil` in the first epoch.
    public var reassigned: Double?
    /// The cluster sizes.
    public var clusters: ClusterSizes
    /// How the assignment agrees with the folders' names, where these are labels.
    ///
    /// They are never used in training.
    public var labels: LabelAgreement?
    /// The seconds each phase took and the pictures it worked on a second.
    public var phases: [PhaseTime]
    /// The most memory that the program has taken so far, in bytes; `nil` where the system does
    /// not tell.
    public var memory: Int?

    /// The sizes of an epoch's clusters.
    public struct ClusterSizes: Codable, Sendable, Equatable {
        /// The number of pictures in the smallest cluster that is not empty.
        public var minimum: Int
        /// The middle size of those not empty.
        public var median: Int
        /// The number of pictures in the largest cluster.
        public var maximum: Int
        /// The number of clusters without a picture.
        public var empty: Int

        /// The sizes that the assignment gives.
        ///
        /// - Parameters:
        ///   - assignments: The cluster of each picture; negative ones are not counted.
        ///   - clusters: The number of clusters.
        init(assignments: [Int32], clusters: Int) {
            var sizes = [Int](repeating: 0, count: clusters)
            for cluster in assignments where cluster >= 0 { sizes[Int(cluster)] += 1 }
            let filled = sizes.filter { $0 > 0 }.sorted()
            minimum = filled.first ?? 0
            median = filled.isEmpty ? 0 : filled[filled.count / 2]
            maximum = filled.last ?? 0
            empty = clusters - filled.count
        }
    }

    /// The agreement of clusters with labels.
    public struct LabelAgreement: Codable, Sendable, Equatable {
        /// Normalized mutual information, arithmetic mean, as scikit-learn computes it.
        public var nmi: Double
        /// Adjusted mutual information.
        public var ami: Double
        /// The adjusted Rand index; `nil` in lines from before it was logged.
        public var ari: Double?

        /// The agreement of an assignment with labels, or `nil` where there are none.
        init?(_ assignments: [Int32], labels: [Int32]?) {
            guard let labels, Set(labels).count > 1 else { return nil }
            nmi = ClusterQuality.normalizedMutualInformation(
                assignments, labels, average: .arithmetic)
            ami = ClusterQuality.adjustedMutualInformation(assignments, labels)
            ari = ClusterQuality.adjustedRandIndex(assignments, labels)
        }
    }

    /// The time one phase took.
    public struct PhaseTime: Codable, Sendable, Equatable {
        /// The phase.
        public var phase: ProgressPhase
        /// How long it took, since the run was last started.
        public var seconds: Double
        /// How many pictures it worked on in a second.
        public var picturesPerSecond: Double
    }
}
