package import Clustering
package import Model
package import Tensors

/// The checkpoint that ships: a backbone, a projection, and clusters.
///
/// The features of all pictures' centre views go through PCA and to unit length; one last
/// k-means on these vectors gives the clusters. PCA is an affine map and centroids are a
/// matrix, so all of it becomes layers of the network.
package struct ShippedModel: Sendable {
    /// The most dimensions of an embedding.
    package static let dimension = 256

    /// How embeddings become clusters.
    package struct Settings: Sendable {
        /// The number of clusters.
        package var clusters: Int
        /// Decides which embeddings are the first centroids.
        package var seed: UInt64
        /// The most updates of k-means.
        package var iterations = 20
        /// The rows whose embeddings are the first centroids; drawn by the seed unless given.
        package var firstRows: [Int]?
    }

    /// The backbone with projection, normalization and centroids.
    package let checkpoint: Checkpoint
    /// The embeddings of the pictures, `[n, D]`, unit length.
    package let embeddings: Tensor<Float>
    /// What k-means found in them.
    package let clusters: KMeansResult

    /// Fits clusters behind a backbone and its projection.
    ///
    /// - Parameters:
    ///   - backbone: A float checkpoint that ends at its feature; all it tells of itself goes
    ///     on to the result.
    ///   - projected: The projection, and with it the backbone's features of all pictures.
    ///   - settings: How embeddings become clusters.
    /// - Throws: `ClusteringError` where there are fewer pictures than clusters.
    package init(
        _ backbone: Checkpoint, projected: ProjectedFeatures, settings: Settings
    ) throws(ClusteringError) {
        let (pca, embeddings) = (projected.pca, projected.rows)
        self.embeddings = embeddings
        var random = RandomStream.shipping.generator(seed: settings.seed)
        clusters = try KMeans(
            clusters: settings.clusters, iterations: settings.iterations,
            seed: UInt32(truncatingIfNeeded: random.next())
        ).fit(embeddings, initial: settings.firstRows.map { embeddings.rows(at: $0) })

        var checkpoint = backbone
        checkpoint.network.append("projection", .linear(outputs: pca.components, hasBias: true))
        checkpoint.network.append("normalize", .l2Normalize)
        checkpoint.network.append("centroids", .centroids(count: settings.clusters))
        checkpoint.tensors["projection.weight"] = .float32(pca.projection)
        checkpoint.tensors["projection.bias"] = .float32(pca.bias)
        checkpoint.tensors["centroids.weight"] = .float32(clusters.centroids)
        checkpoint.clustering = ClusteringDescription(
            clusters: settings.clusters, dimension: pca.components,
            whiteningExponent: pca.whiteningExponent)
        self.checkpoint = checkpoint
    }

    /// The checkpoint of a trained backbone.
    ///
    /// - Parameters:
    ///   - backbone: The weights of the backbone.
    ///   - projected: The projection, and with it the backbone's features of all pictures.
    ///   - settings: The run's settings.
    /// - Returns: The checkpoint.
    /// - Throws: `ClusteringError` where there are fewer pictures than clusters.
    package static func make(
        backbone: [String: Tensor<Float>], projected: ProjectedFeatures, settings: FitSettings
    ) throws(ClusteringError) -> Checkpoint {
        let trained = Checkpoint(
            network: settings.backbone, input: settings.input, precision: .float32,
            clustering: nil,
            provenance: Provenance(
                recipe: settings.recipe.fullName, seed: settings.seed, epochs: settings.epochs,
                pictures: settings.pictures, picturesDigest: settings.picturesDigest,
                source: settings.initial?.source),
            license: settings.initial?.license ?? "unspecified",
            tensors: backbone.mapValues { .float32($0) })
        return try ShippedModel(
            trained, projected: projected,
            settings: Settings(clusters: settings.clusters, seed: settings.seed)
        ).checkpoint
    }
}
