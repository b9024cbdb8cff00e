import Clustering
import Model
import Tensors
import Training

/// The network of a checkpoint before training: what its shape alone is worth.
///
/// The backbone has the random weights that training began with. The rest is made as a shipped
/// model's: a PCA of the same dimension and exponent fitted on the training pictures, unit
/// length, and as many clusters.
struct UntrainedModel: Equatable {
    /// The backbone's weights, which decide whether two networks began alike.
    let weights: NetworkWeights
    private let seed: UInt64
    private let dimension: Int
    private let whiteningExponent: Float
    private let clusters: Int?

    /// The network that `checkpoint`, a float one, began as.
    ///
    /// - Throws: `TrainingError` where its graph does not fit its input.
    init(of checkpoint: Checkpoint) throws {
        weights = try NetworkWeights(beforeTrainingOf: checkpoint)
        seed = checkpoint.provenance.seed
        dimension = checkpoint.clustering?.dimension ?? ShippedModel.dimension
        whiteningExponent = checkpoint.clustering?.whiteningExponent ?? 0
        clusters = checkpoint.clustering?.clusters
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
        let pca = try PCA(
            fitting: (references ?? queries).vectors, components: dimension,
            whiteningExponent: whiteningExponent)
        func embed(_ features: Tensor<Float>) -> Tensor<Float> {
            normalizeRows(pca.apply(to: features))
        }
        queries.vectors = embed(queries.vectors)
        if let features = references?.vectors { references?.vectors = embed(features) }
        let fitted = (references ?? queries).vectors
        guard let clusters, fitted.shape[0] >= clusters else { return }
        var random = RandomStream.shipping.generator(seed: seed)
        let result = try KMeans(
            clusters: clusters, seed: UInt32(truncatingIfNeeded: random.next())
        ).fit(fitted)
        queries.clusters = KMeans.assign(queries.vectors, to: result.centroids).assignments
    }
}
