import LinearAlgebra
public import Tensors

/// k-means as Faiss runs it, and its spherical form as DeepCluster-v2 runs it.
///
/// The plain form: assign every point to its nearest centroid, move each centroid to the mean
/// of its points, give each empty cluster half of a large one; after the last update assign
/// once more. The spherical form, for points of unit length: assign by the largest dot
/// product, move each centroid to the mean divided by its length; an empty cluster keeps its
/// centroid. In both, ties go to the lowest cluster.
///
/// Sources: Faiss, `Clustering`, as called by Caron et al., ECCV 2018 (arXiv:1807.05520);
/// Caron et al., "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments"
/// (arXiv:2006.09882), appendix D.
public struct KMeans: Sendable, Equatable {
    /// The number of clusters K.
    public var clusters: Int
    /// The number of updates: 20 in DeepCluster, 10 in its second version.
    public var iterations: Int
    /// Decides which points are the first centroids.
    public var seed: UInt32
    /// Whether points are assigned by the largest dot product to centroids of unit length.
    public var spherical: Bool

    /// The settings of a run.
    ///
    /// - Parameters:
    ///   - clusters: The number of clusters, 1 or more.
    ///   - iterations: The number of updates, 0 or more.
    ///   - seed: Decides which points are the first centroids.
    ///   - spherical: Whether to cluster directions instead of points.
    public init(clusters: Int, iterations: Int = 20, seed: UInt32 = 1234, spherical: Bool = false) {
        self.clusters = clusters
        self.iterations = iterations
        self.seed = seed
        self.spherical = spherical
    }

    /// Clusters the rows of `points`.
    ///
    /// The run ends early when the objective does not change at all.
    ///
    /// - Parameters:
    ///   - points: `[n, d]`, finite, at least as many as clusters; of unit length for the
    ///     spherical form.
    ///   - initial: The first centroids, `[K, d]`; distinct random points unless given.
    /// - Returns: The centroids and the assignment to them.
    /// - Throws: `ClusteringError` for fewer points than clusters or a value that is not finite.
    /// - Complexity: O(iterations · n · K · d) time; memory beside the result is bounded.
    public func fit(
        _ points: Tensor<Float>, initial: Tensor<Float>? = nil
    ) throws(ClusteringError) -> KMeansResult {
        try check(points, initial)
        var centroids = initial ?? firstCentroids(points)
        var objectives: [Double] = []
        var repairs = 0
        for _ in 0..<iterations {
            let (assignments, distances) = Self.assign(points, to: centroids, spherical: spherical)
            objectives.append(distances.reduce(0) { $0 + Double($1) })
            let update = Update(points, assignments, clusters: clusters)
            repairs += update.finish(&centroids, spherical: spherical)
            if objectives.suffix(2).count == 2, objectives.suffix(2).first == objectives.last {
                break
            }
        }
        let (assignments, distances) = Self.assign(points, to: centroids, spherical: spherical)
        return KMeansResult(
            centroids: centroids, assignments: assignments, squaredDistances: distances,
            objectives: objectives, repairs: repairs)
    }

    private func check(
        _ points: Tensor<Float>, _ initial: Tensor<Float>?
    ) throws(ClusteringError) {
        guard clusters > 0 else { throw .wrongSetting(name: "clusters", value: clusters) }
        guard iterations >= 0 else { throw .wrongSetting(name: "iterations", value: iterations) }
        let (n, d) = (points.shape[0], points.rowSize)
        guard n >= clusters else { throw .fewerPointsThanClusters(points: n, clusters: clusters) }
        try points.checkFinite()
        guard let initial else { return }
        guard initial.shape == [clusters, d] else {
            throw .wrongInitialCentroids(found: initial.shape.extents, expected: [clusters, d])
        }
        try initial.checkFinite()
    }

    /// Distinct points drawn as Faiss draws them: the first K of a random permutation.
    ///
    /// With as many clusters as points, the points as they are.
    private func firstCentroids(_ points: Tensor<Float>) -> Tensor<Float> {
        guard points.shape[0] > clusters else { return points }
        var random = FaissGenerator(seed: seed &+ 1)
        return points.rows(at: random.permutation(points.shape[0]).prefix(clusters))
    }
}

/// What a run of k-means found.
public struct KMeansResult: Sendable, Equatable {
    /// The centroids after the last update, `[K, d]`.
    public let centroids: Tensor<Float>
    /// The cluster of each point, with regard to `centroids`.
    public let assignments: [Int32]
    /// The squared Euclidean distance of each point to its centroid.
    public let squaredDistances: [Float]
    /// The sum of squared distances at each iteration's assignment, before its update.
    public let objectives: [Double]
    /// How often an empty cluster was given half of another, over all iterations.
    public let repairs: Int

    /// The number of points in each cluster.
    public var sizes: [Int] {
        assignments.reduce(into: [Int](repeating: 0, count: centroids.shape[0])) { sizes, cluster in
            sizes[Int(cluster)] += 1
        }
    }

    /// How many clusters have no point: copies of points cannot be split, so some may.
    public var emptyClusters: Int { sizes.count { $0 == 0 } }
}
