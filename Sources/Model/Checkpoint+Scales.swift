import Tensors

extension Checkpoint {
    /// The largest factor on an accumulator.
    ///
    /// With it the largest accumulator stays finite, so no sum of two can be infinity less
    /// infinity, for which there is no byte.
    private static let largestFactor = 0x1p96
    /// The largest number in a centroid.
    ///
    /// The square of its distance to a unit vector, summed over as many dimensions as there can
    /// be, stays finite.
    private static let largestCoordinate: Float = 1e15

    /// Checks that no ratio of scales leaves the range of Float, and no distance.
    func checkScales() throws(CheckpointError.Reason) {
        let roles = Network.Roles(network)
        for layer in network.layers {
            let name = layer.name
            let output = roles.isQuantized(layer) ? outputScale(name) : 1
            switch layer.kind {
            case .sobel, .averagePool, .globalAveragePool, .add:
                let largest = layer.inputs.map { outputScale($0) }.max() ?? 0
                guard largest / output <= Self.largestFactor else {
                    throw .invalidTensor(
                        tensor: "\(name).output_scale",
                        reason: "is too small beside the scale of what the layer reads")
                }
            case .convolution, .linear:
                guard case .float32(let scales) = tensors["\(name).weight_scale"] else { continue }
                let weights = Double(scales.elements.max() ?? 0)
                guard outputScale(layer.inputs[0]) * weights / output <= Self.largestFactor else {
                    throw .invalidTensor(
                        tensor: "\(name).weight_scale",
                        reason: "is too large beside the scales of what the layer reads and writes")
                }
            default: break
            }
        }
    }

    /// The scale of a u8 tensor, whose presence was checked.
    private func outputScale(_ layer: String) -> Double {
        guard case .float32(let scale) = tensors["\(layer).output_scale"] else { return 1 }
        return Double(scale.elements[0])
    }

    /// Checks that distances to centroids stay finite.
    func checkCentroids() throws(CheckpointError.Reason) {
        for layer in network.layers {
            guard case .centroids = layer.kind,
                case .float32(let centroids) = tensors["\(layer.name).weight"]
            else { continue }
            guard centroids.elements.allSatisfy({ abs($0) <= Self.largestCoordinate }) else {
                throw .invalidTensor(
                    tensor: "\(layer.name).weight",
                    reason: "holds a coordinate beyond ±\(Self.largestCoordinate)")
            }
        }
    }
}
