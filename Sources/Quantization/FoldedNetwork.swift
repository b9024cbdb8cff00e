import LinearAlgebra
package import Model
package import Tensors

/// A float network in the shape the int8 engine runs it: batch norm folded into the
/// convolution or linear layer before it, ReLU turned into bounds, dropout gone, and the
/// projection multiplied into the last linear layer where that layer's output feeds it alone.
///
/// For batch norm, `w' = w·γ/√(σ² + ε)` and `b' = (b − μ)·γ/√(σ² + ε) + β` per output channel.
package struct FoldedNetwork: Sendable {
    /// What an output is clamped to.
    package enum Bounds: Sendable {
        /// Nothing.
        case none
        /// `max(x, 0)`.
        case relu
        /// `min(max(x, 0), 6)`.
        case relu6
    }

    /// The weights of a convolution or linear layer.
    package struct Weights: Sendable {
        /// `[outC, kH, kW, inC / groups]` or `[out, in]`.
        package var weight: Tensor<Float>
        /// One for each output channel, zeros where the layer had none.
        package var bias: [Float]

        package init(weight: Tensor<Float>, bias: [Float]) {
            (self.weight, self.bias) = (weight, bias)
        }
    }

    /// One layer that remains.
    package struct Step: Sendable {
        /// The layer, reading the names of other steps.
        package var layer: Layer
        /// The layer of the float network whose output this step's output equals.
        package var source: String
        /// What the output is clamped to.
        package var bounds: Bounds
        /// The folded weights of a convolution or linear layer.
        package var weights: Weights?
        /// Whether another layer reads the output without the bounds folded into it later.
        fileprivate var isShared = false
    }

    /// The remaining layers in topological order.
    package private(set) var steps: [Step] = []
    /// The step that holds what used to be the backbone's feature.
    package private(set) var feature: String

    /// Which step gives the output of each layer of the float network.
    private var holders: [String: Int] = [:]

    /// Folds the checkpoint's network.
    ///
    /// - Throws: `QuantizationError.unsupportedLayer` where batch norm or ReLU follows something
    ///   that cannot take it in.
    package init(_ checkpoint: Checkpoint) throws(QuantizationError) {
        let network = checkpoint.network
        feature = network.feature
        for layer in network.layers {
            try fold(layer, of: checkpoint)
        }
        feature = holders[network.feature].map { steps[$0].layer.name } ?? network.feature
        foldProjection()
    }

    /// The last linear layer, whose accumulators become the embedding.
    var projection: Step? { steps.last { network.isProjection($0.layer) } }

    /// The graph of the remaining layers.
    package var network: Network {
        Network(layers: steps.map(\.layer), feature: feature)
    }

    private mutating func fold(
        _ layer: Layer, of checkpoint: Checkpoint
    ) throws(QuantizationError) {
        for name in layer.inputs {
            let readers = checkpoint.network.layers.count { $0.inputs.contains(name) }
            if readers > 1, let holder = holders[name] { steps[holder].isShared = true }
        }
        switch layer.kind {
        case .batchNorm(let epsilon):
            try foldNorm(layer, epsilon: epsilon, of: checkpoint)
        case .relu: try foldBounds(layer, .relu)
        case .relu6: try foldBounds(layer, .relu6)
        case .dropout: holders[layer.name] = holders[layer.inputs[0]]
        case .convolution(let convolution):
            var kept = convolution
            kept.hasBias = true
            let weights = try Weights(
                of: layer, outputs: convolution.outputs, hasBias: convolution.hasBias, checkpoint)
            append(layer, kind: .convolution(kept), weights: weights)
        case .linear(let outputs, let hasBias):
            let weights = try Weights(of: layer, outputs: outputs, hasBias: hasBias, checkpoint)
            append(layer, kind: .linear(outputs: outputs, hasBias: true), weights: weights)
        case .sobel, .maxPool, .averagePool, .globalAveragePool, .add, .l2Normalize, .centroids:
            append(layer, kind: layer.kind, weights: nil)
        }
    }

    private mutating func append(_ layer: Layer, kind: LayerKind, weights: Weights?) {
        let inputs = layer.inputs.map { name in holders[name].map { steps[$0].layer.name } ?? name }
        holders[layer.name] = steps.count
        steps.append(
            Step(
                layer: Layer(layer.name, kind, inputs: inputs), source: layer.name, bounds: .none,
                weights: weights))
    }

    private mutating func foldNorm(
        _ layer: Layer, epsilon: Float, of checkpoint: Checkpoint
    ) throws(QuantizationError) {
        let index = try takingHolder(of: layer)
        guard steps[index].weights != nil, case .none = steps[index].bounds else {
            throw .unsupportedLayer(
                name: layer.name, reason: "batch norm must follow a convolution or linear layer")
        }
        let (gamma, beta) = try (
            checkpoint.floats("\(layer.name).weight"), checkpoint.floats("\(layer.name).bias")
        )
        let (mean, variance) = try (
            checkpoint.floats("\(layer.name).running_mean"),
            checkpoint.floats("\(layer.name).running_var")
        )
        let factors = gamma.indices.map { channel in
            Double(gamma[channel]) / (Double(variance[channel]) + Double(epsilon)).squareRoot()
        }
        guard factors.allSatisfy({ $0.isFinite }) else { throw .notFinite(layer: layer.name) }
        steps[index].weights?.scaleChannels(by: factors, mean: mean, beta: beta)
        steps[index].source = layer.name
    }

    private mutating func foldBounds(
        _ layer: Layer, _ bounds: Bounds
    ) throws(QuantizationError) {
        let index = try takingHolder(of: layer)
        switch steps[index].layer.kind {
        case .convolution, .linear, .add, .averagePool, .globalAveragePool: break
        default:
            throw .unsupportedLayer(
                name: layer.name,
                reason: "ReLU must follow a convolution, linear layer, average or sum")
        }
        // The narrower of two bounds in a row holds.
        if case .relu6 = steps[index].bounds {} else { steps[index].bounds = bounds }
        steps[index].source = layer.name
    }

    /// The step that a batch norm or ReLU layer is folded into.
    private mutating func takingHolder(of layer: Layer) throws(QuantizationError) -> Int {
        guard let index = holders[layer.inputs[0]] else {
            throw .unsupportedLayer(name: layer.name, reason: "nothing comes before it")
        }
        guard !steps[index].isShared else {
            throw .unsupportedLayer(
                name: layer.name,
                reason: "another layer reads '\(layer.inputs[0])' without it")
        }
        holders[layer.name] = index
        return index
    }

    /// Replaces a linear feature layer and the projection behind it by their product,
    /// `W' = P·W` and `b' = P·b + p`.
    private mutating func foldProjection() {
        guard
            let last = steps.firstIndex(where: { network.isProjection($0.layer) }),
            let projection = steps[last].weights,
            let first = steps.firstIndex(where: { $0.layer.name == steps[last].layer.inputs[0] }),
            case .linear = steps[first].layer.kind, case .none = steps[first].bounds,
            !steps[first].isShared, let inner = steps[first].weights
        else { return }
        steps[last].weights = projection.following(inner)
        steps[last].layer.inputs = steps[first].layer.inputs
        feature = steps[last].layer.name
        steps.remove(at: first)
    }
}

extension FoldedNetwork.Weights {
    fileprivate init(
        of layer: Layer, outputs: Int, hasBias: Bool, _ checkpoint: Checkpoint
    ) throws(QuantizationError) {
        do {
            weight = try checkpoint.float("\(layer.name).weight")
        } catch { throw .checkpoint(error) }
        bias =
            hasBias
            ? try checkpoint.floats("\(layer.name).bias") : [Float](repeating: 0, count: outputs)
        guard weight.elements.allSatisfy({ $0.isFinite }), bias.allSatisfy({ $0.isFinite }) else {
            throw .notFinite(layer: layer.name)
        }
    }

    fileprivate mutating func scaleChannels(
        by factors: [Double], mean: [Float], beta: [Float]
    ) {
        let width = weight.rowSize
        var scaled = weight.elements
        for (channel, factor) in factors.enumerated() {
            for i in channel * width..<(channel + 1) * width {
                scaled[i] = Float(Double(scaled[i]) * factor)
            }
            let centred = Double(bias[channel]) - Double(mean[channel])
            bias[channel] = Float(centred * factor + Double(beta[channel]))
        }
        weight.elements = scaled
    }

    /// The single linear layer that computes this one after `inner`.
    fileprivate func following(_ inner: Self) -> Self {
        let biases = bias.indices.map { row in
            Float(
                zip(weight[row: row], inner.bias).reduce(Double(bias[row])) {
                    $0 + Double($1.0) * Double($1.1)
                })
        }
        let columns = inner.weight.reshaped(to: [inner.weight.shape[0], inner.weight.rowSize])
        return Self(weight: weight.multiplied(by: columns), bias: biases)
    }
}

extension Checkpoint {
    /// The elements of a float tensor, as this module's error where it is missing.
    fileprivate func floats(_ name: String) throws(QuantizationError) -> [Float] {
        do {
            return try float(name).elements
        } catch { throw .checkpoint(error) }
    }
}
