import Kernels
import Model
import Tensors

extension Planner {
    /// The most bytes that a plan's activations take, and the most that its tables take: what
    /// 32-bit offsets reach.
    static let limit = Int(Int32.max)

    /// Refuses layers that a small file can ask for and no machine can plan.
    ///
    /// A convolution's table has an entry for each tap and position, so a window of 1,000×1,000
    /// on a large map, one megabyte of weights, would take terabytes of it.
    static func checkTables(
        _ network: Network, _ shapes: [String: Shape]
    ) throws(InferenceError) {
        var sum = 0
        for layer in network.layers {
            guard let map = shapes[layer.inputs[0]],
                let geometry = ConvolutionGeometry(layer.kind, on: map)
            else { continue }
            // 2²⁴ taps and 2³² positions are the most that a checkpoint may have.
            sum += geometry.tableByteCount
            guard sum <= limit else {
                throw .unsupportedLayer(
                    layer: layer.name,
                    reason: "the tables for its windows and those before it would take \(sum) "
                        + "bytes, the limit is \(limit)")
            }
        }
    }
}
