import Model
import Tensors

/// Fills a layout's network with a file's tensors, in the network's widths and memory order.
struct CheckpointBuilder {
    /// The layout's network in the widths that the tensors have.
    private(set) var network: Network
    private(set) var tensors: [String: WeightTensor] = [:]
    private(set) var rows: [ImportedNetwork.Row] = []

    private let dictionary: StateDictionary
    private let layout: Layout
    private var sources: [String: String]
    private var shapes: [String: Shape]
    /// The bytes of the file that have become tensors.
    private var bytesRead = 0

    /// What tensors that share their numbers may add to the file's size.
    private static let largestSurplus = 16 << 20

    init(_ dictionary: StateDictionary, _ layout: Layout, keepsHead: Bool) {
        self.dictionary = dictionary
        self.layout = layout
        network = layout.network
        sources = layout.sources
        shapes = [Network.input: [layout.input.height, layout.input.width, 3]]
        guard keepsHead else { return }
        for layer in layout.head?.layers ?? [] {
            network.append(layer.name, layer.kind)
            sources[layer.name] = layer.source ?? layer.name
        }
        network.feature = layout.head?.feature ?? network.feature
    }

    /// Goes through the layers in their order: a layer's input is known when it is reached.
    mutating func build() throws(ExchangeError.Reason) {
        for index in network.layers.indices {
            try widen(&network.layers[index])
            let layer = network.layers[index]
            let inputs = layer.inputs.map { shapes[$0] ?? [] }
            do throws(NetworkError) {
                shapes[layer.name] = try layer.outputShape(inputs: inputs)
            } catch {
                throw .checkpoint(.network(error))
            }
            try readTensors(of: layer, input: inputs[0])
        }
    }

    // MARK: - Widths

    /// Gives a layer the outputs that its filters have.
    private func widen(_ layer: inout Layer) throws(ExchangeError.Reason) {
        guard !layer.kind.tensors.isEmpty else { return }
        let name = tensorName(layer, "weight")
        guard let outputs = try tensor(name).shape.first else {
            throw .wrongShape(tensor: name, expected: [1], found: [])
        }
        switch layer.kind {
        case .convolution(var convolution):
            // Depthwise convolutions have as many groups as outputs.
            if convolution.groups > 1 { convolution.groups = outputs }
            convolution.outputs = outputs
            layer.kind = .convolution(convolution)
        case .linear(_, let hasBias):
            layer.kind = .linear(outputs: outputs, hasBias: hasBias)
        default: break
        }
    }

    // MARK: - Tensors

    private func tensorName(_ layer: Layer, _ part: String) -> String {
        "\(sources[layer.name] ?? layer.name).\(part)"
    }

    private func tensor(_ name: String) throws(ExchangeError.Reason) -> StoredTensor {
        guard let tensor = dictionary[name] else {
            throw .noHead(layout: layout.name, missing: name)
        }
        return tensor
    }

    private mutating func readTensors(
        of layer: Layer, input: Shape
    ) throws(ExchangeError.Reason) {
        let names = layer.kind.tensors.map { tensorName(layer, $0) }
        guard let first = names.first else { return }
        rows.append(
            ImportedNetwork.Row(
                layer: layer.name, tensors: names, shape: try tensor(first).shape))
        for (part, name) in zip(layer.kind.tensors, names) {
            let view = part == "weight" ? try weight(name, layer, input) : try tensor(name)
            let shape = expectedShape(part, layer, input)
            if part != "weight" { try check(name, view, shape.extents) }
            tensors["\(layer.name).\(part)"] = .float32(try read(name, view, shape))
        }
    }

    /// The shape of a layer's tensor in our order.
    private func expectedShape(_ part: String, _ layer: Layer, _ input: Shape) -> Shape {
        switch layer.kind {
        case .convolution(let convolution):
            part == "weight" ? convolution.filterShape(input) : [convolution.outputs]
        case .linear(let outputs, _):
            part == "weight" ? [outputs, input.count] : [outputs]
        default: [input.extents.last ?? 1]
        }
    }

    /// A layer's weights with their dimensions in our order; PyTorch has channels before rows
    /// and columns, in filters as in a map that is flattened.
    private func weight(
        _ name: String, _ layer: Layer, _ input: Shape
    ) throws(ExchangeError.Reason) -> StoredTensor {
        let view = try tensor(name)
        let shape = expectedShape("weight", layer, input)
        switch layer.kind {
        case .convolution:
            try check(name, view, [shape[0], shape[3], shape[1], shape[2]])
            return view.permuted([0, 2, 3, 1])
        case .linear where input.rank == 3:
            try check(name, view, shape.extents)
            return view.split(1, into: [input[2], input[0], input[1]]).permuted([0, 2, 3, 1])
        default:
            try check(name, view, shape.extents)
            return view
        }
    }

    private func check(
        _ name: String, _ view: StoredTensor, _ expected: [Int]
    ) throws(ExchangeError.Reason) {
        guard view.shape == expected else {
            throw .wrongShape(tensor: name, expected: expected, found: view.shape)
        }
    }

    /// Reads the numbers, unless tensors that share them ask for more than the file holds.
    private mutating func read(
        _ name: String, _ view: StoredTensor, _ shape: Shape
    ) throws(ExchangeError.Reason) -> Tensor<Float> {
        bytesRead += view.byteCount
        let limit = dictionary.archive.file.count + Self.largestSurplus
        guard bytesRead <= limit else {
            throw .tooLarge(what: "tensors that share \(bytesRead) bytes", limit: limit)
        }
        guard let elements = view.read(from: dictionary.archive.file) else {
            throw .invalidTensor(name: name, reason: "holds \(view.type.rawValue) numbers")
        }
        return Tensor(elements, shape: shape)
    }
}
