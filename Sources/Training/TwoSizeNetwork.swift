package import Tensors

/// One set of weights that learns from crops of one or two sizes.
///
/// A `FloatNetwork` takes pictures of one size, so small crops have a network of their own,
/// whose weights are made equal before each step and whose gradients are added to the others'.
/// Batch norm sees crops of each size apart, as in the published code; the running statistics
/// are moved by both.
///
/// Source: Caron et al., NeurIPS 2020 (arXiv:2006.09882), "multi-crop".
package final class TwoSizeNetwork {
    /// The network of the large crops, to which the weights belong.
    package let large: FloatNetwork
    private let small: FloatNetwork?

    /// Weights for large crops, and for small ones where `smallSize` is given.
    ///
    /// - Throws: `TrainingError` where the weights fit one size alone.
    package init(_ large: FloatNetwork, smallSize: Int? = nil) throws(TrainingError) {
        self.large = large
        guard let smallSize else {
            small = nil
            return
        }
        small = try FloatNetwork(
            network: large.network, inputShape: [smallSize, smallSize, 3],
            tensors: large.tensors, threads: large.threads)
    }

    /// The output of a training pass, `[n, d]`: the rows of the large crops, then of the small.
    package func forward(
        _ batch: CropBatch, using random: inout SeededGenerator
    ) -> Tensor<Float> {
        let output = large.forward(batch.large, using: &random)
        guard let small, let crops = batch.small else { return output }
        do throws(TrainingError) {
            try small.load(large.tensors)
        } catch {
            preconditionFailure("\(error)")
        }
        let rest = small.forward(crops, using: &random)
        large.takeRunningStatistics(of: small)
        return Tensor(
            output.elements + rest.elements,
            shape: [output.shape[0] + rest.shape[0], output.rowCount])
    }

    /// Adds the gradients of the last `forward` to those of the large crops' network.
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
        large.takeGradients(of: small)
    }
}

extension FloatNetwork {
    /// Sets the running statistics to those of a network of the same layers.
    fileprivate func takeRunningStatistics(of other: FloatNetwork) {
        for (name, parameter) in parameters where !parameter.isTrained {
            guard let source = other.parameters[name] else { continue }
            parameter.value.copy(from: source.value.elements(parameter.count))
        }
    }

    /// Adds the gradients of a network of the same layers, which forgets them.
    fileprivate func takeGradients(of other: FloatNetwork) {
        for (name, parameter) in parameters {
            guard let source = other.parameters[name], !source.gradientIsFresh else { continue }
            parameter.addGradient(parts: [source.gradient], team: team)
            source.gradientIsFresh = true
        }
    }
}
