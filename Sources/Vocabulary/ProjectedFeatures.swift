package import Clustering
package import Tensors

/// Features as they are clustered: through PCA and to unit length.
package struct ProjectedFeatures: Sendable {
    /// The projection.
    package let pca: PCA
    /// `[n, k]`, rows of unit length.
    package var rows: Tensor<Float>

    /// Fits the projection to features and projects them.
    ///
    /// - Parameters:
    ///   - features: `[n, d]`.
    ///   - dimensions: The most dimensions that are kept.
    ///   - exponent: The whitening exponent.
    /// - Throws: `ClusteringError` where the features span no direction or hold no number.
    package init(
        fitting features: Tensor<Float>, dimensions: Int, exponent: Float
    ) throws(ClusteringError) {
        pca = try PCA(fitting: features, components: dimensions, whiteningExponent: exponent)
        rows = normalizeRows(pca.apply(to: features))
    }

    /// Other features, `[m, d]`, projected alike; `[m, k]`.
    package func project(_ features: Tensor<Float>) -> Tensor<Float> {
        normalizeRows(pca.apply(to: features))
    }
}
