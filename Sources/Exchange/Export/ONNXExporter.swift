import Model
import Tensors

/// Writes a checkpoint's network as ONNX operations, opset 17.
///
/// The input is `[n, 3, H, W]`, floats, normalized. A float network becomes the same operations
/// on maps `[n, C, H, W]`. In an int8 network each value is written as bytes by QuantizeLinear
/// and read by DequantizeLinear, as are the weights: the form that engines turn into integer
/// operations. Its bytes are those of our engine, up to an engine's rounding of ties.
struct ONNXExporter {
    private let checkpoint: Checkpoint
    private let shapes: [String: Shape]
    private var graph: ONNXGraph
    /// The value that each layer's output has in the graph: as bytes where it is quantized.
    private var stored: [String: String] = [:]
    /// The flattened maps by the layer that they are of.
    private var flattened: [String: String] = [:]
    /// How many values have been read.
    private var reads = 0

    /// The graph of a valid checkpoint.
    static func graph(of checkpoint: Checkpoint) throws(ExchangeError.Reason) -> Onnx_GraphProto {
        var exporter = try ONNXExporter(checkpoint)
        for layer in checkpoint.network.layers { try exporter.add(layer) }
        try exporter.addOutputs()
        return exporter.graph.graph
    }

    private init(_ checkpoint: Checkpoint) throws(ExchangeError.Reason) {
        self.checkpoint = checkpoint
        graph = ONNXGraph(name: checkpoint.provenance.recipe)
        shapes = try checkpoint.shapes()
        let input = checkpoint.input
        graph.addInput(
            Network.input, [nil, 3, input.height, input.width],
            note: "RGB from 0 to 1, less the mean \(input.mean), divided by the deviation "
                + "\(input.standardDeviation); the centre of a picture whose short side has "
                + "\(input.shortSide) pixels")
        try store(Network.input, Network.input)
    }

    private var isInteger: Bool { checkpoint.precision == .int8 }

    // MARK: Layers

    private mutating func add(_ layer: Layer) throws(ExchangeError.Reason) {
        let name = layer.name
        var inputs: [String] = []
        for input in layer.inputs { inputs.append(try read(input, by: layer)) }
        let result = value(of: layer)
        switch layer.kind {
        case .sobel:
            graph.add(
                "Conv", [inputs[0], sobelWeights(name)], result,
                [("kernel_shape", .ints([3, 3])), ("pads", .ints([1, 1, 1, 1]))])
        case .convolution(let convolution):
            let padding = convolution.padding
            graph.add(
                "Conv", [inputs[0]] + (try weights(of: layer)), result,
                [
                    ("group", .int(convolution.groups)),
                    ("kernel_shape", .ints([convolution.kernelHeight, convolution.kernelWidth])),
                    ("pads", .ints([padding.top, padding.left, padding.bottom, padding.right])),
                    ("strides", .ints([convolution.stride, convolution.stride])),
                ])
        case .linear:
            graph.add(
                "Gemm", [inputs[0]] + (try weights(of: layer)), result, [("transB", .int(1))])
        case .batchNorm(let epsilon):
            var parameters: [String] = []
            for part in ["weight", "bias", "running_mean", "running_var"] {
                parameters.append(graph.constant("\(name).\(part)", try float("\(name).\(part)")))
            }
            graph.add(
                "BatchNormalization", inputs + parameters, result, [("epsilon", .float(epsilon))])
        case .relu:
            graph.add("Relu", inputs, result)
        case .relu6:
            let bounds = [graph.constant(":zero", Float(0)), graph.constant(":six", Float(6))]
            graph.add("Clip", inputs + bounds, result)
        case .maxPool(let pooling):
            graph.add("MaxPool", inputs, result, Self.window(pooling))
        case .averagePool(let pooling):
            graph.add(
                "AveragePool", inputs, result,
                [("count_include_pad", .int(pooling.countsPadding ? 1 : 0))]
                    + Self.window(pooling))
        case .globalAveragePool:
            graph.add("GlobalAveragePool", inputs, result)
        case .dropout:
            graph.add("Identity", inputs, result)
        case .add:
            graph.add("Add", inputs, result)
        case .l2Normalize:
            addNormalization(inputs[0], result)
        case .centroids:
            try addDistances(layer, inputs[0], result)
        }
        try store(name, result)
    }

    /// A zero vector stays zero.
    private mutating func addNormalization(_ input: String, _ result: String) {
        graph.add("ReduceL2", [input], "\(result):norm", [("axes", .ints([1]))])
        let least = graph.constant(":least_norm", Float.leastNormalMagnitude)
        graph.add("Max", ["\(result):norm", least], "\(result):divisor")
        graph.add("Div", [input, "\(result):divisor"], result)
    }

    /// `|e|² − 2·e·c + |c|²`, which rounding may leave a little below zero.
    private mutating func addDistances(
        _ layer: Layer, _ input: String, _ result: String
    ) throws(ExchangeError.Reason) {
        let centroids = try float("\(layer.name).weight")
        let squares = (0..<centroids.shape[0]).map { row in
            Float(centroids[row: row].reduce(0.0) { $0 + Double($1) * Double($1) })
        }
        graph.add(
            "Gemm",
            [
                input, graph.constant("\(layer.name).weight", centroids),
                graph.constant("\(layer.name).squares", Tensor(squares, shape: [squares.count])),
            ], "\(result):products", [("alpha", .float(-2)), ("transB", .int(1))])
        graph.add("ReduceSumSquare", [input], "\(result):square", [("axes", .ints([1]))])
        graph.add("Add", ["\(result):products", "\(result):square"], "\(result):sum")
        graph.add("Relu", ["\(result):sum"], result)
    }

    private static func window(_ pooling: Pooling) -> [(String, ONNXGraph.Attribute)] {
        let padding = pooling.padding
        return [
            ("kernel_shape", .ints([pooling.kernel, pooling.kernel])),
            ("pads", .ints([padding.top, padding.left, padding.bottom, padding.right])),
            ("strides", .ints([pooling.stride, pooling.stride])),
        ]
    }

    /// The grey mean and both gradients as one convolution, `[2, 3, 3, 3]`, in thirds.
    private static let sobel: Tensor<Int8> = {
        let filters: [[Int8]] = [
            [1, 0, -1, 2, 0, -2, 1, 0, -1], [1, 2, 1, 0, 0, 0, -1, -2, -1],
        ]
        return Tensor(
            filters.flatMap { filter in (0..<3).flatMap { _ in filter } }, shape: [2, 3, 3, 3])
    }()

    /// The value that holds the edge filter.
    ///
    /// In an int8 network its weights are bytes too: ONNX Runtime quantizes floats there by
    /// itself, to a scale that has no byte for a third.
    private mutating func sobelWeights(_ name: String) -> String {
        guard isInteger else {
            let floats = Self.sobel.elements.map { Float($0) / 3 }
            return graph.constant("\(name).weight", Tensor(floats, shape: Self.sobel.shape))
        }
        graph.add(
            "DequantizeLinear",
            [
                graph.constant("\(name).weight", Self.sobel),
                graph.constant("\(name).weight_scale", Float(1) / 3),
                graph.constant("\(name).weight_zero_point", Int8(0)),
            ], "\(name).weight:real")
        return "\(name).weight:real"
    }

    // MARK: Weights

    /// The values that hold a layer's weights and bias, the latter where it has one.
    private mutating func weights(of layer: Layer) throws(ExchangeError.Reason) -> [String] {
        let (name, input) = (layer.name, shapes[layer.inputs[0]] ?? [])
        guard isInteger else {
            let weights = PyTorchOrder.weights(
                try float("\(name).weight"), of: layer, input: input)
            let bias = checkpoint.tensors["\(name).bias"] == nil ? nil : try float("\(name).bias")
            let first = graph.constant("\(name).weight", weights)
            return [first] + (bias.map { [graph.constant("\(name).bias", $0)] } ?? [])
        }
        let weights: Tensor<Int8>
        let bias: Tensor<Int32>
        do throws(CheckpointError) {
            weights = try checkpoint.int8("\(name).weight")
            bias = try checkpoint.int32("\(name).bias")
        } catch {
            throw .checkpoint(error.reason)
        }
        let scales = try float("\(name).weight_scale")
        let inputScale = try float("\(layer.inputs[0]).output_scale").elements[0]
        let biasScales = scales.elements.map { Float(Double($0) * Double(inputScale)) }
        let zeros = Tensor([Int8](repeating: 0, count: scales.count), shape: scales.shape)
        graph.add(
            "DequantizeLinear",
            [
                graph.constant(
                    "\(name).weight", PyTorchOrder.weights(weights, of: layer, input: input)),
                graph.constant("\(name).weight_scale", scales),
                graph.constant("\(name).weight_zero_point", zeros),
            ], "\(name).weight:real", [("axis", .int(0))])
        let biasZeros = Tensor([Int32](repeating: 0, count: bias.count), shape: bias.shape)
        graph.add(
            "DequantizeLinear",
            [
                graph.constant("\(name).bias", bias),
                graph.constant("\(name).bias_scale", Tensor(biasScales, shape: bias.shape)),
                graph.constant("\(name).bias_zero_point", biasZeros),
            ], "\(name).bias:real", [("axis", .int(0))])
        return ["\(name).weight:real", "\(name).bias:real"]
    }

    private func float(_ name: String) throws(ExchangeError.Reason) -> Tensor<Float> {
        do throws(CheckpointError) {
            return try checkpoint.float(name)
        } catch {
            throw .checkpoint(error.reason)
        }
    }

    // MARK: Values

    /// How the bytes of a value stand for numbers.
    private struct Format {
        let scale: Float
        let zero, low, high: Int32
    }

    private func format(_ name: String) throws(ExchangeError.Reason) -> Format? {
        guard isInteger, case .int32(let range) = checkpoint.tensors["\(name).output_range"] else {
            return nil
        }
        return Format(
            scale: try float("\(name).output_scale").elements[0], zero: range.elements[0],
            low: range.elements[1], high: range.elements[2])
    }

    /// Keeps a layer's output, as bytes where it is quantized.
    private mutating func store(_ name: String, _ value: String) throws(ExchangeError.Reason) {
        guard let format = try format(name) else {
            stored[name] = value
            return
        }
        var real = value
        if (format.low, format.high) != (0, 255) {
            let bounds = [("low", format.low), ("high", format.high)].map { part, bound in
                graph.constant("\(name):\(part)", Float(bound - format.zero) * format.scale)
            }
            graph.add("Clip", [value] + bounds, "\(name):clipped")
            real = "\(name):clipped"
        }
        graph.add("QuantizeLinear", [real] + parameters(name, format), "\(name):bytes")
        stored[name] = "\(name):bytes"
    }

    /// The numbers of a layer's output, flat where a layer of vectors reads them.
    ///
    /// Each reader of bytes has a DequantizeLinear of its own, as the engines' patterns want it.
    private mutating func read(
        _ name: String, by layer: Layer?
    ) throws(ExchangeError.Reason) -> String {
        var source = stored[name] ?? name
        if isMap(name), isFlat(name) || (layer.map { Self.readsVectors($0.kind) } ?? true) {
            let flat = flattened[name] ?? "\(source):flat"
            if flattened.updateValue(flat, forKey: name) == nil {
                graph.add("Flatten", [source], flat, [("axis", .int(1))])
            }
            source = flat
        }
        guard let format = try format(name) else { return source }
        reads += 1
        let real = "\(name):real\(reads)"
        graph.add("DequantizeLinear", [source] + parameters(name, format), real)
        return real
    }

    /// Whether the value is a vector for each picture.
    private func isFlat(_ name: String) -> Bool { shapes[name]?.rank == 1 }

    /// Whether the value is a map in the graph, be it of one position.
    private func isMap(_ name: String) -> Bool {
        !isFlat(name) || checkpoint.network.layer(name)?.kind == .globalAveragePool
    }

    private static func readsVectors(_ kind: LayerKind) -> Bool {
        switch kind {
        case .linear, .l2Normalize, .centroids: true
        default: false
        }
    }

    private mutating func parameters(_ name: String, _ format: Format) -> [String] {
        [
            graph.constant("\(name).scale", format.scale),
            graph.constant("\(name).zero_point", UInt8(clamping: format.zero)),
        ]
    }

    // MARK: Outputs

    /// The name that a layer's output has in the graph.
    private func value(of layer: Layer) -> String {
        switch layer.kind {
        case .centroids: "distances"
        case .l2Normalize: "embedding"
        default:
            // Those of the graph's outputs are taken.
            ["embedding", "distances", "cluster", "feature", "output"].contains(layer.name)
                ? "\(layer.name):layer" : layer.name
        }
    }

    private mutating func addOutputs() throws(ExchangeError.Reason) {
        let layers = checkpoint.network.layers
        guard let last = layers.last else { return }
        if let normalization = layers.last(where: { $0.kind == .l2Normalize }) {
            graph.addOutput(
                "embedding", [nil, width(normalization.name)],
                note: "A vector of length 1 a picture.")
        }
        switch last.kind {
        case .centroids(let count):
            graph.addOutput(
                "distances", [nil, count], note: "Squared distances to the clusters' centroids.")
            graph.add(
                "ArgMin", ["distances"], "cluster", [("axis", .int(1)), ("keepdims", .int(0))])
            graph.addOutput("cluster", [nil], .int64, note: "The nearest cluster.")
        case .l2Normalize: break
        default: try addFeature(and: last)
        }
    }

    /// The feature of a network without an embedding, in H, W, C order where it is a map, and the
    /// output of a head behind it.
    private mutating func addFeature(and last: Layer) throws(ExchangeError.Reason) {
        let feature = checkpoint.network.feature
        if isFlat(feature) {
            graph.add("Identity", [try read(feature, by: nil)], "feature")
        } else {
            let map = try read(feature, by: last)
            graph.add("Transpose", [map], "feature:rows", [("perm", .ints([0, 2, 3, 1]))])
            graph.add("Flatten", ["feature:rows"], "feature", [("axis", .int(1))])
        }
        graph.addOutput("feature", [nil, width(feature)], note: "The network's feature.")
        guard last.name != feature else { return }
        graph.add("Identity", [try read(last.name, by: nil)], "output")
        graph.addOutput("output", [nil, width(last.name)], note: "The output of the head.")
    }

    /// How many numbers a layer gives for a picture.
    private func width(_ layer: String) -> Int { shapes[layer]?.count ?? 0 }
}
