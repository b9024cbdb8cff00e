import FloatNetworks
import Model
import Tensors

/// Embeddings by the float network, for comparison.
struct FloatEmbeddings {
    private let network: FloatNetwork
    private let table: [Float]

    init(_ checkpoint: Checkpoint) throws {
        table = checkpoint.input.normalizationTable()
        network = try FloatNetwork(
            network: checkpoint.network, inputShape: checkpoint.inputShape,
            tensors: checkpoint.tensors.compactMapValues { tensor in
                if case .float32(let values) = tensor { values } else { nil }
            })
    }

    /// Unit vectors, `[n, D]`, of views `[n, height, width, 3]`.
    func vectors(of views: Tensor<UInt8>) -> Tensor<Float> {
        let batch = Tensor(
            views.elements.enumerated().map { table[256 * ($0 % 3) + Int($1)] }, shape: views.shape)
        let captured = network.evaluate(batch, capturing: ["normalize"]).captured
        return captured["normalize"] ?? Tensor([], shape: [0, 0])
    }
}
