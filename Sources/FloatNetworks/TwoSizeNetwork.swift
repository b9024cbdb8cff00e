package import Tensors

/// One set of weights that learns from crops of one or two sizes.
///
/// A `FloatNetwork` takes pictures of one size, so small crops have a network of their own over
/// the same weights, gradients and running statistics. Batch norm sees crops of each size apart, as
/// in the published code; the running statistics are moved by both.
///
/// Source: Caron et al., NeurIPS 2020 (arXiv:2006.09882), "multi-crop".
package final class TwoSizeNetwork {
    /// The network of the large crops, to which the weights belong.
    private let large: FloatNetwork
    private let small: FloatNetwork?

    /// Weights for large crops, and for small ones where `smallSize` is given.
    ///
    /// - Throws: `FloatNetworkError` where the weights fit one size alone.
    package init(_ large: FloatNetwork, smallSize: Int? = nil) throws(FloatNetworkError) {
        self.large = large
        guard let smallSize else {
            small = nil
            return
        }
        small = try FloatNetwork(sharing: large, inputShape: [smallSize, smallSize, 3])
    }

    /// The output of a training pass, `[n, d]`: the rows of the large crops, then of the small.
    ///
    /// - Parameters:
    ///   - batch: Crops of the network's own size, `[m, height, width, 3]`.
    ///   - smallBatch: Small crops, where there are any, `[n − m, size, size, 3]`.
    ///   - random: Decides what is dropped.
    /// - Returns: The rows.
    package func forward(
        _ batch: Tensor<Float>, small smallBatch: Tensor<Float>? = nil,
        using random: inout SeededGenerator
    ) -> Tensor<Float> {
        let output = large.forward(batch, using: &random)
        guard let small, let crops = smallBatch else { return output }
        let rest = small.forward(crops, using: &random)
        return Tensor(
            output.elements + rest.elements,
            shape: [output.shape[0] + rest.shape[0], output.rowSize])
    }

    /// Adds the gradients of the last `forward`.
    ///
    /// - Parameter gradient: The loss's gradient by the output, `[n, d]`.
    package func backward(_ gradient: Tensor<Float>) {
        guard let small, let rows = small.lastPass?.count else {
            large.backward(gradient)
            return
        }
        let first = gradient.shape[0] - rows
        large.backward(gradient.rows(at: 0..<first))
        small.backward(gradient.rows(at: first..<first + rows))
    }
}

// MARK: - The weights, which are those of the large crops' network

extension TwoSizeNetwork {
    /// The weights and running statistics by name.
    package var tensors: [String: Tensor<Float>] { large.tensors }

    /// The optimizer's velocities by tensor name; those never used are absent.
    package var velocities: [String: Tensor<Float>] { large.velocities }

    /// The gradients since the last step, by tensor name; those never reached are absent.
    package var gradients: [String: Tensor<Float>] { large.gradients }

    /// Replaces the weights and running statistics.
    ///
    /// - Throws: `FloatNetworkError` for a missing or wrongly shaped tensor; nothing changes then.
    package func load(_ tensors: [String: Tensor<Float>]) throws(FloatNetworkError) {
        try large.load(tensors)
    }

    /// Replaces the velocities; those not given become zero.
    ///
    /// - Throws: `FloatNetworkError` for an unknown name or a wrong shape; nothing changes then.
    package func load(velocities: [String: Tensor<Float>]) throws(FloatNetworkError) {
        try large.load(velocities: velocities)
    }

    /// Moves every parameter that has a gradient and forgets the gradients.
    package func step(_ optimizer: SGD) { large.step(optimizer) }

    /// Runs large crops in evaluation mode; see `FloatNetwork.evaluate`.
    package func evaluate(
        _ batch: Tensor<Float>, capturing names: Set<String>
    ) -> (output: Tensor<Float>, captured: [String: Tensor<Float>]) {
        large.evaluate(batch, capturing: names)
    }
}
