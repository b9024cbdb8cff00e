import Model
import Tensors

/// The order of a layer's numbers in PyTorch and ONNX: channels before rows and columns, in
/// filters `[outC, inC, kH, kW]` as in a map that is flattened before a linear layer.
enum PyTorchOrder {
    /// A layer's weights in that order.
    ///
    /// - Parameters:
    ///   - weights: The weights as a checkpoint has them.
    ///   - layer: Whose weights they are.
    ///   - input: The shape of what the layer reads, `[H, W, C]` or `[n]`.
    /// - Returns: The same numbers, in another order and shape for a convolution.
    static func weights<Element>(
        _ weights: Tensor<Element>, of layer: Layer, input: Shape
    ) -> Tensor<Element> {
        switch layer.kind {
        case .convolution:
            let filters = weights.shape
            let elements = channelsFirst(
                weights.elements, rows: filters[0], positions: filters[1] * filters[2],
                channels: filters[3])
            return Tensor(elements, shape: [filters[0], filters[3], filters[1], filters[2]])
        case .linear where input.rank == 3:
            let elements = channelsFirst(
                weights.elements, rows: weights.shape[0], positions: input[0] * input[1],
                channels: input[2])
            return Tensor(elements, shape: weights.shape)
        default:
            return weights
        }
    }

    /// Each row of `[positions, channels]` as `[channels, positions]`.
    private static func channelsFirst<Element>(
        _ elements: [Element], rows: Int, positions: Int, channels: Int
    ) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        for row in 0..<rows {
            let start = row * positions * channels
            for channel in 0..<channels {
                for position in 0..<positions {
                    result.append(elements[start + position * channels + channel])
                }
            }
        }
        return result
    }
}
