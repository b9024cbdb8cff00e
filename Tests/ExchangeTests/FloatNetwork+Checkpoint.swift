import FloatNetworks
import Model
import Tensors

extension FloatNetwork {
    /// The network of a float checkpoint, on one thread.
    convenience init(_ checkpoint: Checkpoint) throws {
        var tensors: [String: Tensor<Float>] = [:]
        for name in checkpoint.tensors.keys { tensors[name] = try checkpoint.float(name) }
        try self.init(
            network: checkpoint.network, inputShape: checkpoint.inputShape, tensors: tensors,
            threads: 1)
    }
}
