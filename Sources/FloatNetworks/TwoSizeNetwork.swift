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
    package let large: FloatNetwork
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
        _ batch: Tensor<Float>, small smallBatch: Tensor<Float>?,
        using random: inout SeededGenerator
    ) -> Tensor<Float> {
        let output = large.forward(batch, using: &random)
        guard let small, let crops = smallBatch else { return output }
        let rest = small.forward(crops, using: &random)
        return Tensor(
            output.elements + rest.elements,
            shape: [output.shape[0] + rest.shape[0], output.rowCount])
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
