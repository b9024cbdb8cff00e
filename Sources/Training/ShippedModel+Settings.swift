package import Clustering
package import Model
package import Tensors
package import Vocabulary

extension ShippedModel {
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
        let found = try clusters(
            of: projected.rows, Settings(clusters: settings.clusters, seed: settings.seed))
        return clustered(
            Self.projected(trained, by: projected.pca), by: projected.pca, found.centroids)
    }
}
