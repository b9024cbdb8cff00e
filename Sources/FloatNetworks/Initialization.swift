public import Model
public import Tensors

extension FloatNetwork {
    /// What a tensor of a network is for.
    enum TensorRole {
        case filter, linearWeight, bias, normWeight, runningMean, runningVariance, centroids

        /// Whether the optimizer changes it.
        var isTrained: Bool {
            switch self {
            case .filter, .linearWeight, .bias, .normWeight: true
            case .runningMean, .runningVariance, .centroids: false
            }
        }
    }

    /// A tensor a network needs.
    package struct TensorSpecification {
        package let name: String
        package let shape: Shape
        let role: TensorRole
    }

    /// Starting weights as DeepCluster's: filters from N(0, √(2 / (kH·kW·outC))), linear weights
    /// from N(0, 0.01), biases 0, batch norm 1 and 0 with running mean 0 and variance 1.
    ///
    /// Source: the reference code's `_initialize_weights` (METHOD 1.4); He et al., ICCV 2015.
    ///
    /// - Throws: `FloatNetworkError.invalidNetwork` where the graph does not fit together.
    public static func initialTensors(
        for network: Network, inputShape: Shape, using random: inout SeededGenerator
    ) throws(FloatNetworkError) -> [String: Tensor<Float>] {
        let shapes = try shapes(of: network, inputShape)
        var tensors: [String: Tensor<Float>] = [:]
        for tensor in specifications(of: network, shapes: shapes) {
            let shape = tensor.shape
            switch tensor.role {
            case .filter:
                let deviation = (2 / Float(shape[1] * shape[2] * shape[0])).squareRoot()
                tensors[tensor.name] = Tensor(
                    random.normals(shape.count, deviation: deviation), shape: shape)
            case .linearWeight:
                tensors[tensor.name] = Tensor(
                    random.normals(shape.count, deviation: 0.01), shape: shape)
            case .normWeight, .runningVariance:
                tensors[tensor.name] = Tensor(repeating: 1, shape: shape)
            case .bias, .runningMean, .centroids:
                tensors[tensor.name] = Tensor(repeating: 0, shape: shape)
            }
        }
        return tensors
    }

    package static func shapes(
        of network: Network, _ inputShape: Shape
    ) throws(FloatNetworkError) -> [String: Shape] {
        guard !network.layers.isEmpty else { throw .invalidNetwork(reason: "it has no layers") }
        do throws(NetworkError) {
            return try network.outputShapes(input: inputShape)
        } catch {
            throw .invalidNetwork(reason: "\(error)")
        }
    }

    /// Every tensor of a network, in the order of its layers.
    package static func specifications(
        of network: Network, shapes: [String: Shape]
    ) -> [TensorSpecification] {
        network.layers.flatMap { layer -> [TensorSpecification] in
            let input = shapes[layer.inputs[0]]!
            func tensor(_ suffix: String, _ shape: Shape, _ role: TensorRole) -> TensorSpecification
            {
                TensorSpecification(name: "\(layer.name).\(suffix)", shape: shape, role: role)
            }
            switch layer.kind {
            case .convolution(let convolution):
                let filters: Shape = [
                    convolution.outputs, convolution.kernelHeight, convolution.kernelWidth,
                    input[2] / convolution.groups,
                ]
                return [tensor("weight", filters, .filter)]
                    + (convolution.hasBias ? [tensor("bias", [convolution.outputs], .bias)] : [])
            case .linear(let outputs, let hasBias):
                return [tensor("weight", [outputs, input.count], .linearWeight)]
                    + (hasBias ? [tensor("bias", [outputs], .bias)] : [])
            case .batchNorm:
                let channels: Shape = [input.extents.last!]
                return [
                    tensor("weight", channels, .normWeight), tensor("bias", channels, .bias),
                    tensor("running_mean", channels, .runningMean),
                    tensor("running_var", channels, .runningVariance),
                ]
            case .centroids(let count):
                return [tensor("weight", [count, input.count], .centroids)]
            case .sobel, .relu, .relu6, .maxPool, .averagePool, .globalAveragePool, .dropout,
                .add, .l2Normalize:
                return []
            }
        }
    }
}
