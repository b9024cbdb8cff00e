import FloatNetworks
import Inference
package import Model
package import Tensors

/// What a model makes of some pictures.
struct Embeddings {
    /// `[n, d]`.
    var vectors: Tensor<Float>
    /// The cluster of each picture, where the model has clusters.
    var clusters: [Int32]?

    /// Given embeddings.
    init(vectors: Tensor<Float>, clusters: [Int32]?) {
        (self.vectors, self.clusters) = (vectors, clusters)
    }

    /// The embeddings of several batches, one or more, by the same model.
    init(joining batches: [Embeddings]) {
        let count = batches.reduce(0) { $0 + $1.vectors.shape[0] }
        let width = batches.first?.vectors.shape[1] ?? 0
        var elements: [Float] = []
        elements.reserveCapacity(count * width)
        for batch in batches { elements += batch.vectors.elements }
        vectors = Tensor(elements, shape: [count, width])
        let known = batches.compactMap(\.clusters)
        clusters = known.count == batches.count ? Array(known.joined()) : nil
    }
}

/// A model ready to turn pixels into embeddings.
protocol Embedder {
    /// The input its pictures are cut for.
    var input: InputSpecification { get }

    /// The embeddings of a batch.
    ///
    /// - Parameters:
    ///   - pixels: `[count, height, width, 3]`, at most `Evaluator.batch` pictures.
    ///   - count: The number of pictures, one or more.
    /// - Returns: One embedding a picture, and its cluster where the model has clusters.
    func embed(_ pixels: [UInt8], count: Int) -> Embeddings
}

/// A float network, run by the trainer's layers.
struct FloatEmbedder: Embedder {
    let input: InputSpecification
    private let network: FloatNetwork
    /// The layer whose output is the embedding.
    private let layer: String
    private let hasClusters: Bool

    init(_ weights: NetworkWeights, threads: Int) throws {
        network = try weights.runnable(threads: threads)
        input = weights.input
        (layer, hasClusters) = weights.network.embedding
    }

    func embed(_ pixels: [UInt8], count: Int) -> Embeddings {
        let (output, captured) = network.evaluate(
            input.batch(of: pixels.span, count: count), capturing: [layer])
        let vectors = captured[layer]!
        return Embeddings(
            vectors: vectors.reshaped(to: [count, vectors.rowSize]),
            clusters: hasClusters ? output.leastColumns.map { Int32($0) } : nil)
    }
}

extension Tensor<Float> {
    /// The column of each row's least number, as of the nearest cluster among distances; ties go
    /// to the lowest.
    package var leastColumns: [Int] {
        (0..<shape[0]).map { row in
            let row = self[row: row]
            let least = row.indices.min { (row[$0], $0) < (row[$1], $1) } ?? row.startIndex
            return least - row.startIndex
        }
    }
}

extension Network {
    /// The layer whose output is the embedding, and whether clusters stand behind it.
    package var embedding: (layer: String, hasClusters: Bool) {
        if let last = layers.last, case .centroids = last.kind { return (last.inputs[0], true) }
        return (feature, false)
    }
}

/// An int8 network, run by the engine that the daemon runs.
struct IntegerEmbedder: Embedder {
    let input: InputSpecification
    private let plan: InferencePlan

    init(_ checkpoint: Checkpoint, threads: Int) throws {
        input = checkpoint.input
        plan = try InferencePlan(checkpoint, batch: Evaluator.batch, threads: threads)
    }

    func embed(_ pixels: [UInt8], count: Int) -> Embeddings {
        let embeddings = plan.embed(pixels.span, count: count)
        let vectors = embeddings.flatMap(\.vector)
        return Embeddings(
            vectors: Tensor(vectors, shape: [count, vectors.count / count]),
            clusters: embeddings.map { Int32($0.cluster) })
    }
}
