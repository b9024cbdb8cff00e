private import Clustering
package import Model
package import Tensors

/// Makes the checkpoint that a run ships: the backbone, a projection, and clusters.
///
/// The features of all pictures' centre views go through PCA and to unit length; one last
/// k-means on these vectors gives the clusters. PCA is an affine map and centroids are a
/// matrix, so all of it becomes layers of the network.
package enum ShippedModel {
    /// The most dimensions of an embedding.
    package static let dimension = 256

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
    ) throws -> Checkpoint {
        let pca = try PCA(
            fitting: features, components: dimension, whiteningExponent: settings.whiten)
        var random = RandomStream.shipping.generator(seed: settings.seed)
        let clusters = try KMeans(
            clusters: settings.clusters, seed: UInt32(truncatingIfNeeded: random.next())
        ).fit(normalizeRows(pca.apply(to: features)))

        var network = settings.backbone
        network.append("projection", .linear(outputs: pca.components, hasBias: true))
        network.append("normalize", .l2Normalize)
        network.append("centroids", .centroids(count: settings.clusters))
        var tensors = backbone
        tensors["projection.weight"] = pca.projection
        tensors["projection.bias"] = pca.bias
        tensors["centroids.weight"] = clusters.centroids
        return Checkpoint(
            network: network, input: settings.input, precision: .float32,
            clustering: ClusteringDescription(
                clusters: settings.clusters, dimension: pca.components,
                whiteningExponent: settings.whiten),
            provenance: Provenance(
                recipe: settings.recipe.fullName, seed: settings.seed, epochs: settings.epochs,
                pictures: settings.pictures, picturesDigest: settings.picturesDigest),
            license: "unspecified", tensors: tensors.mapValues { .float32($0) })
    }
}
