private import Clustering
public import Files
public import Model
public import Pictures
public import Quantization
import Tensors

/// What is in the clusters of a frozen network.
public struct FrozenClusters: Sendable {
    /// A picture and its place in its cluster.
    public struct Member: Codable, Equatable, Sendable {
        /// The picture, below the folder or as the list has it.
        public let path: String
        /// The cosine between its embedding and the cluster's centroid.
        public let cosine: Float

        /// A picture and its cosine.
        package init(path: String, cosine: Float) {
            (self.path, self.cosine) = (path, cosine)
        }
    }

    /// One cluster.
    public struct Cluster: Codable, Equatable, Sendable {
        /// Its number in the model.
        public let id: Int
        /// How many pictures are in it.
        public let size: Int
        /// The mean cosine between its pictures and its centroid: 1 for copies, near 0 for a
        /// cluster that holds together by nothing; `nil` for an empty one.
        public let coherence: Double?
        /// The pictures nearest to the centroid, nearest first.
        public let central: [Member]
        /// The pictures that are unusually far from the centroid, farthest first.
        public let outliers: [Member]
    }

    /// A picture with its cluster.
    public struct Assignment: Codable, Equatable, Sendable {
        /// The picture, below the folder or as the list has it.
        public let path: String
        /// The number of its cluster.
        public let cluster: Int
        /// The cosine between its embedding and the cluster's centroid.
        public let cosine: Float
        /// Whether it is unusually far from the centroid.
        public let isOutlier: Bool
    }

    /// The model with these clusters: in 8 bits, or the float one that `dctrain quantize` takes.
    public let checkpoint: Checkpoint
    /// How far the 8-bit model is from the float one, on some of the pictures; none of a float one.
    public let drift: DriftReport?
    /// All clusters in the order of their numbers.
    public let clusters: [Cluster]
    /// Every picture in the order of its source.
    public let assignments: [Assignment]
    /// The files that could not be read.
    public let skipped: [SkippedFile]

    /// Clusters as they ship: a picture belongs to the nearest centroid.
    struct Centroids {
        /// `[K, D]`.
        let centroids: Tensor<Float>
        /// The nearest of them for each picture.
        let assignments: [Int32]
    }

    /// How many central pictures are told.
    static let centralCount = 5
    /// Below so many pictures a cluster has no usual distance.
    static let smallestWithOutliers = 5

    /// What is in clusters.
    ///
    /// - Parameters:
    ///   - checkpoint: The model.
    ///   - drift: How far it is from the float one.
    ///   - found: Centroids, and the cluster of each picture.
    ///   - embeddings: `[n, D]`, unit length.
    ///   - names: The n pictures.
    ///   - skipped: The files that could not be read.
    init(
        _ checkpoint: Checkpoint, drift: DriftReport?, _ found: Centroids,
        of embeddings: Tensor<Float>, names: [String], skipped: [SkippedFile]
    ) {
        (self.checkpoint, self.drift, self.skipped) = (checkpoint, drift, skipped)
        let assigned = found.assignments.map { Int($0) }
        let centroids = normalizeRows(found.centroids)
        let pictures = names.enumerated().map { number, name in
            let cosine = zip(
                embeddings[row: number], centroids[row: assigned[number]]
            ).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            return Member(path: name, cosine: Float(cosine))
        }
        var members = [[Member]](repeating: [], count: centroids.shape[0])
        for (picture, cluster) in zip(pictures, assigned) { members[cluster].append(picture) }
        let clusters = members.enumerated().map { Cluster(id: $0, $1) }
        self.clusters = clusters
        assignments = zip(pictures, assigned).map { picture, cluster in
            Assignment(
                path: picture.path, cluster: cluster, cosine: picture.cosine,
                isOutlier: picture.cosine <= clusters[cluster].outliers.last?.cosine ?? -.infinity)
        }
    }

    /// Writes a table with a line of headings and a line a picture: path, cluster, cosine to
    /// the centroid, and whether it is an outlier.
    ///
    /// - Parameter path: The table, replaced where it is there.
    /// - Throws: `SystemCallError` where it cannot be written.
    public func writeTable(to path: String) throws(SystemCallError) {
        let lines = assignments.map { picture in
            "\(picture.path.tableField)\t\(picture.cluster)\t\(picture.cosine)\t"
                + (picture.isOutlier ? "yes\n" : "no\n")
        }
        try DurableFile.write(
            "path\tcluster\tcosine\toutlier\n" + lines.joined(), to: FilePath(path))
    }
}

extension FrozenClusters.Cluster {
    /// A cluster of the given pictures, in any order.
    package init(id: Int, _ members: [FrozenClusters.Member]) {
        let ordered = members.sorted { ($1.cosine, $0.path) < ($0.cosine, $1.path) }
        self.id = id
        size = members.count
        coherence =
            members.isEmpty
            ? nil : ordered.reduce(0.0) { $0 + Double($1.cosine) } / Double(size)
        central = Array(ordered.prefix(FrozenClusters.centralCount))
        let fence = Self.fence(ordered.map(\.cosine))
        outliers = ordered.reversed().prefix { $0.cosine < fence }
    }

    /// The cosine below which a picture is an outlier: one and a half times the distance
    /// between the quartiles below the lower of them.
    ///
    /// Source: Tukey, "Exploratory Data Analysis", 1977, the inner fence.
    ///
    /// - Parameter cosines: Largest first.
    /// - Returns: −∞ for a cluster that is too small to tell.
    private static func fence(_ cosines: [Float]) -> Float {
        guard cosines.count >= FrozenClusters.smallestWithOutliers else { return -.infinity }
        let upper = cosines[(cosines.count - 1) / 4]
        let lower = cosines[3 * (cosines.count - 1) / 4]
        // Copies of one picture differ by rounding alone, which makes none of them unusual.
        return lower - max(1.5 * (upper - lower), 1e-5)
    }
}
