import Clustering
import Model
import Tensors

/// The network of a checkpoint before training: what its shape alone is worth.
///
/// The backbone has the random weights that training from its seed begins with. The rest is made as
/// a shipped model's: a PCA of the same dimension and exponent fitted on the training pictures, unit
/// length, and as many clusters; nothing where the checkpoint has none of these.
struct UntrainedModel: Equatable {
    /// The backbone's weights, which decide whether two networks began alike.
    let weights: NetworkWeights
    private let seed: UInt64
    private let clustering: ClusteringDescription?

    /// The network that `checkpoint`, a float one, began as.
    ///
    /// - Throws: `FloatNetworkError` where its graph does not fit its input.
    init(of checkpoint: Checkpoint) throws {
        weights = try NetworkWeights(beforeTrainingOf: checkpoint)
        seed = checkpoint.provenance.seed
        clustering = checkpoint.clustering
    }

    /// The backbone; its embeddings are the raw features.
    func embedder(threads: Int) throws -> FloatEmbedder {
        try FloatEmbedder(weights, threads: threads)
    }

    /// Projects features and assigns them to clusters, both fitted on `references`.
    ///
    /// - Parameters:
    ///   - queries: The features to project, replaced by embeddings.
    ///   - references: The features of the training pictures, replaced by embeddings; `nil`
    ///     where the queries are fitted on themselves.
    /// - Throws: `ClusteringError` where the features span no direction.
    func finish(_ queries: inout Embeddings, _ references: inout Embeddings?) throws {
        guard let clustering else { return }
        let pca = try PCA(
            fitting: (references ?? queries).vectors, components: clustering.dimension,
            whiteningExponent: clustering.whiteningExponent)
        func embed(_ features: Tensor<Float>) -> Tensor<Float> {
            normalizeRows(pca.apply(to: features))
        }
        queries.vectors = embed(queries.vectors)
        if let features = references?.vectors { references?.vectors = embed(features) }
        let fitted = (references ?? queries).vectors
        guard fitted.shape[0] >= clustering.clusters else { return }
        var random = RandomStream.shipping.generator(seed: seed)
        let result = try KMeans(
            clusters: clustering.clusters, seed: UInt32(truncatingIfNeeded: random.next())
        ).fit(fitted)
        queries.clusters = KMeans.assign(queries.vectors, to: result.centroids).assignments
    }
}
