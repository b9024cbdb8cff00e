package import Evaluation
import Model
import Tensors

extension NetworkWeights {
    /// The same function without batch norms: each is folded into the convolution before it.
    ///
    /// A network that learns runs batch norm on the batch's statistics; folded, it runs as in
    /// evaluation, and its gradient by its input is that of the evaluated network.
    ///
    /// - Throws: `ReportError.normWithoutConvolution` for a norm that cannot be folded.
    package func withoutNorms() throws(ReportError) -> NetworkWeights {
        var layers: [Layer] = []
        var (tensors, renamed) = (self.tensors, [String: String]())
        var readers: [String: Int] = [:]
        for input in network.layers.flatMap(\.inputs) { readers[input, default: 0] += 1 }
        for var layer in network.layers {
            layer.inputs = layer.inputs.map { renamed[$0] ?? $0 }
            guard case .batchNorm(let epsilon) = layer.kind else {
                layers.append(layer)
                continue
            }
            let before = layer.inputs[0]
            guard readers[before] == 1, let place = layers.firstIndex(where: { $0.name == before }),
                case .convolution(var convolution) = layers[place].kind
            else { throw .normWithoutConvolution(layer: layer.name) }
            Self.fold(layer.name, epsilon: epsilon, into: before, &tensors)
            convolution.hasBias = true
            layers[place].kind = .convolution(convolution)
            renamed[layer.name] = before
        }
        let feature = renamed[network.feature] ?? network.feature
        return NetworkWeights(
            network: Network(layers: layers, feature: feature), input: input, tensors: tensors)
    }

    /// Scales each filter by γ/√(σ² + ε) and moves its bias: METHOD 1.5.
    private static func fold(
        _ norm: String, epsilon: Float, into convolution: String,
        _ tensors: inout [String: Tensor<Float>]
    ) {
        guard var weight = tensors["\(convolution).weight"], let scale = tensors["\(norm).weight"],
            let shift = tensors["\(norm).bias"], let mean = tensors["\(norm).running_mean"],
            let variance = tensors["\(norm).running_var"]
        else { return }  // A missing tensor is told when the network is made.
        let count = weight.shape[0]
        let bias = tensors["\(convolution).bias"]?.elements
        var (values, biases) = (weight.elements, [Float](repeating: 0, count: count))
        let size = weight.rowSize
        for filter in 0..<count {
            let factor = scale.elements[filter] / (variance.elements[filter] + epsilon).squareRoot()
            for index in filter * size..<(filter + 1) * size { values[index] *= factor }
            let old = bias.map { $0[filter] } ?? 0
            biases[filter] = (old - mean.elements[filter]) * factor + shift.elements[filter]
        }
        weight.elements = values
        tensors["\(convolution).weight"] = weight
        tensors["\(convolution).bias"] = Tensor(biases, shape: [count])
    }
}
