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

    /// How features become clusters.
    package struct Settings: Sendable {
        /// The number of clusters.
        package var clusters: Int
        /// The most dimensions of an embedding.
        package var dimensions = ShippedModel.dimension
        /// The exponent on the eigenvalues of the projection.
        package var whiten: Float
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

    /// Fits projection and clusters behind a backbone.
    ///
    /// - Parameters:
    ///   - backbone: A float checkpoint that ends at its feature; all it tells of itself goes
    ///     on to the result.
    ///   - features: The backbone's features of all pictures, `[n, d]`.
    ///   - settings: How features become clusters.
    /// - Throws: `ClusteringError` where the features span no direction or hold no number.
    package init(
        _ backbone: Checkpoint, features: Tensor<Float>, settings: Settings
    ) throws(ClusteringError) {
        let pca = try PCA(
            fitting: features, components: settings.dimensions, whiteningExponent: settings.whiten)
        let embeddings = normalizeRows(pca.apply(to: features))
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
            whiteningExponent: settings.whiten)
        self.checkpoint = checkpoint
    }

    /// The checkpoint of a trained backbone.
    ///
    /// - Parameters:
    ///   - backbone: The weights of the backbone.
    ///   - features: The backbone's features of all pictures, `[n, d]`.
    ///   - settings: The run's settings.
    /// - Returns: The checkpoint.
    /// - Throws: `ClusteringError` where the features span no direction or hold no number.
    package static func make(
        backbone: [String: Tensor<Float>], features: Tensor<Float>, settings: FitSettings
    ) throws(ClusteringError) -> Checkpoint {
        let trained = Checkpoint(
            network: settings.backbone, input: settings.input, precision: .float32,
            clustering: nil,
            provenance: Provenance(
                recipe: settings.recipe.fullName, seed: settings.seed, epochs: settings.epochs,
                pictures: settings.pictures, picturesDigest: settings.picturesDigest),
            license: "unspecified", tensors: backbone.mapValues { .float32($0) })
        return try ShippedModel(
            trained, features: features,
            settings: Settings(
                clusters: settings.clusters, whiten: settings.whiten, seed: settings.seed)
        ).checkpoint
    }
}
