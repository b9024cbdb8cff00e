package import Model
package import Tensors

/// How a layer reads its input: as windows, each a row that filters are multiplied with.
///
/// A linear layer has one window, its whole input. Average pools read as depthwise convolutions
/// of equal weights do. Zeros stand for what lies outside of the map.
package struct InputWindows: Sendable {
    /// Into how many parts channels are split; each has filters of its own.
    package let groups: Int
    /// The length of one group's window.
    package let depth: Int
    /// How many places windows have.
    package let positions: Int

    private let height, width, channels: Int
    private let kernelHeight, kernelWidth, stride, top, left: Int
    private let columns: Int

    /// The windows of a layer of the given kind, or `nil` where it does not sum its input up.
    package init?(_ kind: LayerKind, input: Shape, output: Shape) {
        switch kind {
        case .linear:
            self.init(
                map: [1, 1, input.count], kernel: (1, 1), stride: 1, padding: (0, 0), groups: 1,
                output: (1, 1))
        case .convolution(let convolution):
            self.init(
                map: input, kernel: (convolution.kernelHeight, convolution.kernelWidth),
                stride: convolution.stride,
                padding: (convolution.padding.top, convolution.padding.left),
                groups: convolution.groups, output: (output[0], output[1]))
        case .averagePool(let pooling):
            self.init(
                map: input, kernel: (pooling.kernel, pooling.kernel), stride: pooling.stride,
                padding: (pooling.padding.top, pooling.padding.left), groups: input[2],
                output: (output[0], output[1]))
        case .globalAveragePool:
            self.init(
                map: input, kernel: (input[0], input[1]), stride: 1, padding: (0, 0),
                groups: input[2], output: (1, 1))
        case .add:
            self.init(
                map: [1, input.count / input.lastExtent, input.lastExtent], kernel: (1, 1),
                stride: 1, padding: (0, 0), groups: input.lastExtent,
                output: (1, input.count / input.lastExtent))
        default: return nil
        }
    }

    private init(
        map: Shape, kernel: (height: Int, width: Int), stride: Int,
        padding: (top: Int, left: Int), groups: Int, output: (height: Int, width: Int)
    ) {
        (height, width, channels) = (map[0], map[1], map[2])
        (kernelHeight, kernelWidth, self.stride) = (kernel.height, kernel.width, stride)
        (top, left, self.groups) = (padding.top, padding.left, groups)
        depth = kernel.height * kernel.width * (map[2] / groups)
        positions = output.height * output.width
        columns = output.width
    }

    /// The windows of all groups at one position.
    ///
    /// - Parameters:
    ///   - position: Row by row, from 0.
    ///   - map: One picture's input, `[H, W, C]`.
    ///   - rows: Where they are put behind one another, `[groups, depth]` in the order of the
    ///     filters' weights.
    package func gather(at position: Int, of map: Span<Float>, into rows: inout [Float]) {
        let perGroup = channels / groups
        let (firstRow, firstColumn) = (
            position / columns * stride - top, position % columns * stride - left
        )
        for group in 0..<groups {
            for y in firstRow..<firstRow + kernelHeight {
                for x in firstColumn..<firstColumn + kernelWidth {
                    let isInside = (0..<height).contains(y) && (0..<width).contains(x)
                    let start = (y * width + x) * channels + group * perGroup
                    for channel in 0..<perGroup {
                        rows.append(isInside ? map[start + channel] : 0)
                    }
                }
            }
        }
    }
}

extension Shape {
    /// The number of channels of a map, or the length of a vector.
    fileprivate var lastExtent: Int { extents.last ?? 1 }
}
