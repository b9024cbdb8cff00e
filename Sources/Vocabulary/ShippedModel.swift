package import Clustering
package import Model
package import Tensors

/// The checkpoint that ships: a backbone, a projection, and clusters.
///
/// The features of all pictures' centre views go through PCA and to unit length; one last
/// k-means on these vectors gives the clusters. PCA is an affine map and centroids are a
/// matrix, so all of it becomes layers of the network.
package enum ShippedModel {
    /// The most dimensions of an embedding.
    package static let dimension = 256

    /// About 100 pictures a cluster, as ImageNet's 10,000 clusters have, and 10 at least.
    package static func clusters(for pictures: Int) -> Int {
        max(2, min(10_000, max(pictures / 100, min(10, pictures / 4))))
    }

    /// How embeddings become clusters.
    package struct Settings: Sendable {
        /// The number of clusters.
        package var clusters: Int
        /// Decides which embeddings are the first centroids.
        package var seed: UInt64
        /// The most updates of k-means.
        package var iterations: Int
        /// The rows whose embeddings are the first centroids; drawn by the seed unless given.
        package var firstRows: [Int]?

        package init(clusters: Int, seed: UInt64, iterations: Int = 20, firstRows: [Int]? = nil) {
            (self.clusters, self.seed) = (clusters, seed)
            (self.iterations, self.firstRows) = (iterations, firstRows)
        }
    }

    /// A backbone's checkpoint with a projection to unit length behind its feature.
    ///
    /// - Parameters:
    ///   - backbone: A float checkpoint that ends at its feature.
    ///   - pca: The projection.
    /// - Returns: The checkpoint, without clusters.
    package static func projected(_ backbone: Checkpoint, by pca: PCA) -> Checkpoint {
        var checkpoint = backbone
        checkpoint.network.append("projection", .linear(outputs: pca.components, hasBias: true))
        checkpoint.network.append("normalize", .l2Normalize)
        checkpoint.tensors["projection.weight"] = .float32(pca.projection)
        checkpoint.tensors["projection.bias"] = .float32(pca.bias)
        return checkpoint
    }

    /// A projected backbone's checkpoint with clusters.
    ///
    /// - Parameters:
    ///   - projected: What `projected` gave for `pca`.
    ///   - pca: The projection.
    ///   - centroids: `[K, D]`.
    /// - Returns: The checkpoint that ships.
    package static func clustered(
        _ projected: Checkpoint, by pca: PCA, _ centroids: Tensor<Float>
    ) -> Checkpoint {
        var checkpoint = projected
        let count = centroids.shape[0]
        checkpoint.network.append("centroids", .centroids(count: count))
        checkpoint.tensors["centroids.weight"] = .float32(centroids)
        checkpoint.clustering = ClusteringDescription(
            clusters: count, dimension: pca.components, whiteningExponent: pca.whiteningExponent)
        return checkpoint
    }

    /// The last clusters of embeddings.
    ///
    /// - Parameters:
    ///   - embeddings: `[n, D]`, unit length.
    ///   - settings: How they become clusters.
    /// - Returns: Centroids and assignments.
    /// - Throws: `ClusteringError` where there are fewer embeddings than clusters.
    package static func clusters(
        of embeddings: Tensor<Float>, _ settings: Settings
    ) throws(ClusteringError) -> KMeansResult {
        var random = RandomStream.shipping.generator(seed: settings.seed)
        return try KMeans(
            clusters: settings.clusters, iterations: settings.iterations,
            seed: UInt32(truncatingIfNeeded: random.next())
        ).fit(embeddings, initial: settings.firstRows.map { embeddings.rows(at: $0) })
    }
}
