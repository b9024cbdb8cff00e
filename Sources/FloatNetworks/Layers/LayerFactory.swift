import LinearAlgebra
import Model
import Tensors

/// Makes the executable layers of one network over its shared parameters and scratch memory.
struct LayerFactory {
    /// The output of each layer for one picture.
    let shapes: [String: Shape]
    let parameters: [String: Parameter]
    let workspace: Workspace
    /// The convolutions' inner loops; without them OpenBLAS and those in Swift do the work.
    let loops: FloatLoops?
    /// The place of each layer in its network.
    let places: [String: Int]

    init(
        _ network: Network, shapes: [String: Shape], parameters: [String: Parameter],
        workspace: Workspace, loops: FloatLoops?
    ) {
        (self.shapes, self.parameters, self.workspace) = (shapes, parameters, workspace)
        self.loops = loops
        let names = network.layers.enumerated().map { ($0.element.name, $0.offset) }
        places = Dictionary(uniqueKeysWithValues: names)
    }

    /// One layer for a run of layers that `Fusion` put together.
    func make(_ group: [Layer]) -> any FloatLayer {
        let first = group[0]
        let input = shapes[first.inputs[0]]!
        let output = shapes[first.name]!
        switch first.kind {
        case .sobel:
            return SobelLayer(input: input, workspace: workspace)
        case .convolution(let convolution):
            return makeConvolution(convolution, group, input: input, output: output)
        case .batchNorm(let epsilon):
            let norm = norm(first.name, epsilon: epsilon)
            return BatchNormLayer(
                norm, positions: input.count / norm.channels,
                activation: activation(group.dropFirst()), workspace: workspace)
        case .relu, .relu6:
            return ActivationLayer(activation(group[...]), elements: input.count)
        case .maxPool(let pooling):
            return MaxPoolLayer(pooling, input: input, output: output)
        case .averagePool(let pooling):
            return AveragePoolLayer(pooling, input: input, output: output)
        case .globalAveragePool:
            return AveragePoolLayer(global: input)
        case .linear:
            return LinearLayer(
                weight: parameters["\(first.name).weight"]!, bias: parameters["\(first.name).bias"])
        case .dropout(let probability):
            return DropoutLayer(
                probability: probability, elements: input.count, index: places[first.name]!)
        case .add:
            return AddLayer(elements: input.count, activation: activation(group.dropFirst()))
        case .l2Normalize:
            return L2NormalizeLayer(elements: input.count)
        case .centroids:
            return CentroidsLayer(parameters["\(first.name).weight"]!)
        }
    }

    private func makeConvolution(
        _ convolution: Convolution, _ group: [Layer], input: Shape, output: Shape
    ) -> any FloatLayer {
        let name = group[0].name
        let windows = ConvolutionWindows(convolution, input: input, output: output)
        let (weight, bias) = (parameters["\(name).weight"]!, parameters["\(name).bias"])
        var folded: FoldedNorm?
        if group.count > 1, case .batchNorm(let epsilon) = group[1].kind {
            folded = FoldedNorm(norm(group[1].name, epsilon: epsilon))
        }
        let activation = activation(group.dropFirst(folded == nil ? 1 : 2))
        let ending = ConvolutionEpilogue(bias: bias, norm: folded, activation: activation)
        if windows.groups > 1, windows.groupChannels == 1, windows.groupOutputs == 1 {
            return DepthwiseLayer(
                windows, weight: weight, ending: ending, workspace: workspace, loops: loops)
        }
        return WinogradLayer.suits(windows)
            ? WinogradLayer(
                windows, weight: weight, ending: ending, workspace: workspace, loops: loops)
            : ConvolutionLayer(
                windows, weight: weight, ending: ending, workspace: workspace, loops: loops)
    }

    private func norm(_ name: String, epsilon: Float) -> NormParameters {
        NormParameters(
            weight: parameters["\(name).weight"]!, bias: parameters["\(name).bias"]!,
            mean: parameters["\(name).running_mean"]!,
            variance: parameters["\(name).running_var"]!, epsilon: epsilon)
    }

    private func activation(_ rest: ArraySlice<Layer>) -> Activation {
        switch rest.first?.kind {
        case .relu: .relu
        case .relu6: .relu6
        default: .identity
        }
    }
}
