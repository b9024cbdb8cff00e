// A layer in a checkpoint's header is one flat JSON object, as in
// {"name": "conv1", "kind": "convolution", "inputs": ["input"], "outputs": 96, "kernel": [11, 11],
//  "stride": 4, "padding": [2, 2, 2, 2], "groups": 1, "bias": true}.

extension Layer {
    private enum CodingKeys: String, CodingKey {
        case name, kind, inputs, outputs, kernel, stride, padding, groups, bias, epsilon
        case probability, count
        case countsPadding = "counts_padding"
    }

    /// Reads a layer from its flat form; an unknown kind or field is refused by name.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let name = try fields.decode(String.self, forKey: .name)
        // A hyper-parameter that is not known here, as a dilation, would change the result.
        for field in try decoder.container(keyedBy: AnyName.self).allKeys
        where CodingKeys(stringValue: field.stringValue) == nil {
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: fields,
                debugDescription: "layer '\(name)' has the unknown field '\(field.stringValue)'")
        }
        self.init(
            name, try Self.decodeKind(fields, of: name),
            inputs: try fields.decode([String].self, forKey: .inputs))
    }

    private static func decodeKind(
        _ fields: KeyedDecodingContainer<CodingKeys>, of name: String
    ) throws -> LayerKind {
        switch try fields.decode(String.self, forKey: .kind) {
        case "sobel": return .sobel
        case "relu": return .relu
        case "relu6": return .relu6
        case "add": return .add
        case "l2_normalize": return .l2Normalize
        case "global_average_pool": return .globalAveragePool
        case "batch_norm":
            return .batchNorm(epsilon: try fields.decode(Float.self, forKey: .epsilon))
        case "dropout":
            return .dropout(probability: try fields.decode(Float.self, forKey: .probability))
        case "centroids":
            return .centroids(count: try fields.decode(Int.self, forKey: .count))
        case "linear":
            return .linear(
                outputs: try fields.decode(Int.self, forKey: .outputs),
                hasBias: try fields.decode(Bool.self, forKey: .bias))
        case "max_pool": return .maxPool(try decodePooling(fields))
        case "average_pool": return .averagePool(try decodePooling(fields))
        case "convolution": return .convolution(try decodeConvolution(fields))
        case let unknown:
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: fields,
                debugDescription: "layer '\(name)' is of the unknown kind '\(unknown)'")
        }
    }

    private static func decodeConvolution(
        _ fields: KeyedDecodingContainer<CodingKeys>
    ) throws -> Convolution {
        let kernel = try decodeIntegers(fields, .kernel, count: 2)
        var convolution = Convolution(
            outputs: try fields.decode(Int.self, forKey: .outputs), kernel: kernel[0],
            stride: try fields.decode(Int.self, forKey: .stride),
            padding: try decodePadding(fields),
            groups: try fields.decode(Int.self, forKey: .groups),
            hasBias: try fields.decode(Bool.self, forKey: .bias))
        convolution.kernelWidth = kernel[1]
        return convolution
    }

    private static func decodePooling(
        _ fields: KeyedDecodingContainer<CodingKeys>
    ) throws -> Pooling {
        Pooling(
            kernel: try fields.decode(Int.self, forKey: .kernel),
            stride: try fields.decode(Int.self, forKey: .stride),
            padding: try decodePadding(fields),
            countsPadding: try fields.decode(Bool.self, forKey: .countsPadding))
    }

    private static func decodePadding(
        _ fields: KeyedDecodingContainer<CodingKeys>
    ) throws -> Padding {
        let edges = try decodeIntegers(fields, .padding, count: 4)
        return Padding(top: edges[0], left: edges[1], bottom: edges[2], right: edges[3])
    }

    private static func decodeIntegers(
        _ fields: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys, count: Int
    ) throws -> [Int] {
        let values = try fields.decode([Int].self, forKey: key)
        guard values.count == count else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: fields,
                debugDescription: "'\(key.rawValue)' has \(values.count) values, not \(count)")
        }
        return values
    }
}

extension Layer {
    /// Writes the layer in its flat form.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(name, forKey: .name)
        try fields.encode(inputs, forKey: .inputs)
        try fields.encode(kind.name, forKey: .kind)
        switch kind {
        case .sobel, .relu, .relu6, .add, .l2Normalize, .globalAveragePool: break
        case .batchNorm(let epsilon): try fields.encode(epsilon, forKey: .epsilon)
        case .dropout(let probability): try fields.encode(probability, forKey: .probability)
        case .centroids(let count): try fields.encode(count, forKey: .count)
        case .linear(let outputs, let hasBias):
            try fields.encode(outputs, forKey: .outputs)
            try fields.encode(hasBias, forKey: .bias)
        case .maxPool(let pooling), .averagePool(let pooling):
            try fields.encode(pooling.kernel, forKey: .kernel)
            try fields.encode(pooling.stride, forKey: .stride)
            try fields.encode(pooling.padding.edges, forKey: .padding)
            try fields.encode(pooling.countsPadding, forKey: .countsPadding)
        case .convolution(let convolution):
            try fields.encode(convolution.outputs, forKey: .outputs)
            try fields.encode(
                [convolution.kernelHeight, convolution.kernelWidth], forKey: .kernel)
            try fields.encode(convolution.stride, forKey: .stride)
            try fields.encode(convolution.padding.edges, forKey: .padding)
            try fields.encode(convolution.groups, forKey: .groups)
            try fields.encode(convolution.hasBias, forKey: .bias)
        }
    }
}

extension LayerKind {
    /// The kind's name, as checkpoints and reports write it.
    public var name: String {
        switch self {
        case .sobel: "sobel"
        case .convolution: "convolution"
        case .batchNorm: "batch_norm"
        case .relu: "relu"
        case .relu6: "relu6"
        case .maxPool: "max_pool"
        case .averagePool: "average_pool"
        case .globalAveragePool: "global_average_pool"
        case .linear: "linear"
        case .dropout: "dropout"
        case .add: "add"
        case .l2Normalize: "l2_normalize"
        case .centroids: "centroids"
        }
    }
}

extension Padding {
    /// The padding as top, left, bottom, right.
    var edges: [Int] { [top, left, bottom, right] }
}
