import Inference
import Model
import Tensors

/// An int8 checkpoint in the making: its weights are rounded one layer after another, and its
/// biases may still move.
struct QuantizedDraft {
    let folded: FoldedNetwork
    private let original: Checkpoint
    private let formats: [String: ActivationFormat]
    private let weightBits: Int
    private var channels: [String: ChannelQuantization] = [:]

    init(
        _ folded: FoldedNetwork, of original: Checkpoint, weightBits: Int,
        _ formats: [String: ActivationFormat]
    ) {
        self.folded = folded
        self.original = original
        self.formats = formats
        self.weightBits = weightBits
    }

    /// Makes integers of a layer's weights.
    mutating func round(_ step: FoldedNetwork.Step, by roundings: [CompensatedRounding?]) {
        guard let weights = step.weights else { return }
        channels[step.layer.name] = ChannelQuantization(
            weights, bits: weightBits, inputScale: format(step.layer.inputs[0]).scale,
            roundings: roundings)
    }

    /// The checkpoint with the biases as they are now.
    var checkpoint: Checkpoint {
        var result = original
        result.network = folded.network
        result.precision = .int8
        result.weightBits = weightBits
        result.tensors = [:]
        for (layer, format) in formats { format.store(for: layer, in: &result.tensors) }
        for (layer, quantized) in channels {
            let count = quantized.scale.count
            result.tensors["\(layer).weight"] = .int8(quantized.weight)
            result.tensors["\(layer).weight_scale"] = .float32(
                Tensor(quantized.scale, shape: [count]))
            result.tensors["\(layer).bias"] = .int32(Tensor(quantized.bias, shape: [count]))
        }
        for step in folded.steps {
            guard case .centroids = step.layer.kind else { continue }
            let name = "\(step.layer.name).weight"
            result.tensors[name] = original.tensors[name]
        }
        return result
    }

    /// The means of the dequantized values that reach the layers behind `layer`.
    func inputMeans(
        of layer: String, for views: Tensor<UInt8>, threads: Int
    ) throws(QuantizationError) -> ElementMeans {
        let format = format(layer)
        var means = ElementMeans()
        if layer == Network.input {
            means.add(format.rounded(views, table: original.input.normalizationTable()))
            return means
        }
        do {
            let plan = try InferencePlan(
                checkpoint, batch: 1, threads: threads, keepsLayers: true)
            for row in 0..<views.shape[0] {
                let outputs = plan.outputs(Array(views[row: row]).span, count: 1)
                guard let values = outputs[layer] else {
                    preconditionFailure("the int8 network has no output '\(layer)'")
                }
                means.add(
                    Tensor(values.elements.map(format.dequantized), shape: values.shape))
            }
        } catch { throw .inference(error) }
        return means
    }

    /// Adds `Σ E[x]·w − Σ E[x̂]·ŵ` to the bias of each channel of a layer: the mean error before
    /// rounding, but for the map's border, where padding counts for zero in both.
    mutating func correct(_ step: FoldedNetwork.Step, wanted: ElementMeans, found: ElementMeans) {
        let name = step.layer.name
        guard let weights = step.weights, var quantized = channels[name] else { return }
        var (groups, exact, rounded) = (1, wanted.means, found.means)
        if case .convolution(let convolution) = step.layer.kind {
            groups = convolution.groups
            exact = wanted.channelMeans
            rounded = found.channelMeans
        }
        let (rows, width) = (weights.weight.shape[0], weights.weight.rowCount)
        let perGroup = exact.count / groups
        let shift = (0..<rows).map { row in
            // Output channels are split into groups in order, and so are the inputs.
            let first = row / (rows / groups) * perGroup
            let scale = Double(quantized.scale[row])
            return (0..<width).reduce(0.0) { sum, i in
                let channel = first + i % perGroup
                let w = Double(weights.weight.elements[row * width + i])
                let q = Double(quantized.weight.elements[row * width + i])
                return sum + exact[channel] * w - rounded[channel] * q * scale
            }
        }
        quantized.addToBias(shift, inputScale: format(step.layer.inputs[0]).scale)
        channels[name] = quantized
    }

    private func format(_ layer: String) -> ActivationFormat {
        guard let format = formats[layer] else {
            preconditionFailure("layer '\(layer)' has no 8-bit output")
        }
        return format
    }
}

/// The running mean of every element of a tensor over pictures.
struct ElementMeans {
    private var sums: [Double] = []
    private var channels = 1
    private var count = 0

    /// Adds the rows of `[n, …, channels]`.
    mutating func add(_ values: Tensor<Float>) {
        let width = values.rowCount
        if sums.isEmpty { sums = [Double](repeating: 0, count: width) }
        channels = values.shape.extents.last ?? 1
        let span = values.elements.span
        for row in 0..<values.shape[0] {
            for i in 0..<width { sums[i] += Double(span[row * width + i]) }
        }
        count += values.shape[0]
    }

    /// The mean of each element.
    var means: [Double] { sums.map { $0 / Double(max(count, 1)) } }

    /// The mean of each channel over all positions.
    var channelMeans: [Double] {
        var result = [Double](repeating: 0, count: channels)
        for (i, mean) in means.enumerated() { result[i % channels] += mean }
        let positions = Double(sums.count / channels)
        return result.map { $0 / positions }
    }
}

extension FoldedNetwork {
    /// The layer of the float network that gives the same output as `step`.
    func source(of step: String) -> String {
        steps.first { $0.layer.name == step }?.source ?? step
    }
}

extension ActivationFormat {
    /// Pixels as the int8 network sees them, in real units, `[n, height, width, 3]`.
    fileprivate func rounded(_ views: Tensor<UInt8>, table: [Float]) -> Tensor<Float> {
        let levels = table.map { rounded($0) }
        let values = views.elements.enumerated().map { i, pixel in
            levels[256 * (i % 3) + Int(pixel)]
        }
        return Tensor(values, shape: views.shape)
    }
}
