import Kernels
import Model
import Tensors

/// The tensors of a layer with weights.
struct IntegerWeights {
    /// `[outC, kH, kW, inC / groups]` or `[out, in]`.
    var values: [Int8]
    /// `[out]`, in units of accumulators.
    var bias: [Int32]
    /// `[out]`.
    var scales: [Float]

    /// The Sobel front end as one 3 → 2 convolution: the grey mean's 1/3 is the weights' scale,
    /// and each of the three channels has the same 3×3 filter.
    static let sobel = IntegerWeights(
        values: [[1, 0, -1, 2, 0, -2, 1, 0, -1], [1, 2, 1, 0, 0, 0, -1, -2, -1]].flatMap {
            $0.flatMap { [Int8](repeating: $0, count: 3) }
        },
        bias: [0, 0], scales: [1 / 3, 1 / 3])
}

extension ConvolutionGeometry {
    /// The extents of a convolution or of the Sobel front end on a map `[height, width,
    /// channels]`; `nil` for other layers.
    init?(_ kind: LayerKind, on map: Shape) {
        switch kind {
        case .sobel:
            self.init(
                height: map[0], width: map[1], channels: map[2], outputs: 2, kernelHeight: 3,
                kernelWidth: 3, padding: (1, 1, 1, 1))
        case .convolution(let convolution):
            let padding = convolution.padding
            self.init(
                height: map[0], width: map[1], channels: map[2], outputs: convolution.outputs,
                kernelHeight: convolution.kernelHeight, kernelWidth: convolution.kernelWidth,
                stride: convolution.stride,
                padding: (padding.top, padding.left, padding.bottom, padding.right),
                groups: convolution.groups)
        default:
            return nil
        }
    }
}

extension PoolGeometry {
    /// The extents of a pooling layer on a map `[height, width, channels]`.
    init(_ pooling: Pooling, on map: Shape) {
        let padding = pooling.padding
        self.init(
            height: map[0], width: map[1], channels: map[2], kernelHeight: pooling.kernel,
            kernelWidth: pooling.kernel, stride: pooling.stride,
            padding: (padding.top, padding.left, padding.bottom, padding.right))
    }
}
