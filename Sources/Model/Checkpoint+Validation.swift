public import Tensors

extension Checkpoint {
    typealias Requirement = (type: String, shape: [Int])

    /// Compares the names, types and shapes of tensors with what the network needs.
    func checkTensors(
        _ found: [String: Requirement]
    ) throws(CheckpointError.Reason) {
        if let problem = input.problem { throw .invalidMetadata(field: "input", reason: problem) }
        guard provenance.epochs >= 0, provenance.pictures >= 0 else {
            throw .invalidMetadata(
                field: "provenance",
                reason: "\(provenance.epochs) epochs on \(provenance.pictures) pictures")
        }
        let required = try requiredTensors()
        for (name, requirement) in required.sorted(by: { $0.key < $1.key }) {
            guard let tensor = found[name] else { throw .missingTensor(name) }
            guard tensor.type == requirement.type else {
                throw .wrongType(tensor: name, expected: requirement.type, found: tensor.type)
            }
            guard tensor.shape == requirement.shape else {
                throw .wrongShape(tensor: name, expected: requirement.shape, found: tensor.shape)
            }
        }
        if let extra = found.keys.filter({ required[$0] == nil }).min() {
            throw .unexpectedTensor(extra)
        }
    }

    private func requiredTensors() throws(CheckpointError.Reason) -> [String: Requirement] {
        let shapes: [String: Shape]
        do throws(NetworkError) {
            shapes = try network.outputShapes(input: inputShape)
        } catch {
            throw .network(error)
        }
        try checkClustering(shapes)
        var required: [String: Requirement] = [:]
        if precision == .int8 { required.requireRange(Network.input) }
        let roles = Network.Roles(network)
        for layer in network.layers {
            let inputs = layer.inputs.compactMap { shapes[$0] }
            switch precision {
            case .float32: required.requireFloat(layer, inputs[0])
            case .int8:
                try checkKind(layer, roles)
                required.requireInt8(layer, inputs[0])
                if roles.isQuantized(layer) { required.requireRange(layer.name) }
            }
        }
        return required
    }

    /// Layers that quantization folds away cannot be left, and what follows the projection
    /// is the one fixed chain that ends in clusters.
    private func checkKind(
        _ layer: Layer, _ roles: Network.Roles
    ) throws(CheckpointError.Reason) {
        let inputs = layer.inputs.compactMap { roles.layer($0) }
        let fits =
            switch layer.kind {
            case .batchNorm, .relu, .relu6, .dropout: false
            case .l2Normalize: inputs.allSatisfy { roles.isProjection($0) } && !inputs.isEmpty
            case .centroids: inputs.allSatisfy { $0.kind == .l2Normalize } && !inputs.isEmpty
            default: inputs.allSatisfy { roles.isQuantized($0) }
            }
        guard fits else {
            throw .wrongLayer(layer: layer.name, kind: layer.kind.name, precision: precision)
        }
    }

    private func checkClustering(_ shapes: [String: Shape]) throws(CheckpointError.Reason) {
        guard let clustering else { return }
        let layer = network.layers.first {
            if case .centroids = $0.kind { true } else { false }
        }
        guard let layer, shapes[layer.name]?.extents == [clustering.clusters],
            let dimension = layer.inputs.first.flatMap({ shapes[$0]?.extents }),
            dimension == [clustering.dimension]
        else {
            throw .invalidMetadata(
                field: "clustering", reason: "its sizes are not those of the network")
        }
    }

    /// Checks what shapes cannot say: scales, ranges, and that no accumulator overflows.
    func checkValues() throws(CheckpointError.Reason) {
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            guard case .float32(let values) = tensor else { continue }
            guard values.elements.allSatisfy({ $0.isFinite }) else {
                throw .invalidTensor(tensor: name, reason: "holds a value that is not finite")
            }
            let isScale = name.hasSuffix("_scale")
            guard !isScale || values.elements.allSatisfy({ $0 > 0 }) else {
                throw .invalidTensor(tensor: name, reason: "holds a scale that is not positive")
            }
            let isVariance = name.hasSuffix(".running_var")
            guard !isVariance || values.elements.allSatisfy({ $0 >= 0 }) else {
                throw .invalidTensor(tensor: name, reason: "holds a negative variance")
            }
        }
        try checkCentroids()
        guard precision == .int8 else { return }
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            if name.hasSuffix(".output_range"), case .int32(let range) = tensor {
                try Self.checkRange(name, range.elements)
            }
            if name.hasSuffix(".weight"), case .int8(let weight) = tensor {
                try checkAccumulators(String(name.dropLast(".weight".count)), weight)
            }
        }
        try checkScales()
    }

    private static func checkRange(
        _ name: String, _ range: [Int32]
    ) throws(CheckpointError.Reason) {
        let (zeroPoint, low, high) = (range[0], range[1], range[2])
        guard (0...255).contains(zeroPoint), low >= 0, low <= high, high <= 255 else {
            throw .invalidTensor(
                tensor: name, reason: "has zero point \(zeroPoint) and bounds \(low) to \(high)")
        }
    }

    private func checkAccumulators(
        _ layer: String, _ weight: Tensor<Int8>
    ) throws(CheckpointError.Reason) {
        guard case .int32(let bias) = tensors["\(layer).bias"] else {
            throw .missingTensor("\(layer).bias")
        }
        let limit: Int8 = weightBits == 7 ? 63 : 127
        for (channel, bias) in bias.elements.enumerated() {
            var sum = 0
            for value in weight[row: channel] {
                guard value >= -limit, value <= limit else {
                    throw .invalidTensor(
                        tensor: "\(layer).weight",
                        reason: "holds \(value), beyond ±\(limit) of its weight bits")
                }
                sum += abs(Int(value))
            }
            guard 255 * sum + abs(Int(bias)) <= Int(Int32.max) else {
                throw .invalidTensor(
                    tensor: "\(layer).weight",
                    reason: "could overflow the accumulator of channel \(channel)")
            }
        }
    }
}

extension [String: Checkpoint.Requirement] {
    fileprivate mutating func requireRange(_ name: String) {
        self["\(name).output_scale"] = ("F32", [1])
        self["\(name).output_range"] = ("I32", [3])
    }

    fileprivate mutating func requireFloat(_ layer: Layer, _ input: Shape) {
        let name = layer.name
        switch layer.kind {
        case .convolution(let convolution):
            self["\(name).weight"] = ("F32", convolution.filterShape(input).extents)
            if convolution.hasBias { self["\(name).bias"] = ("F32", [convolution.outputs]) }
        case .linear(let outputs, let hasBias):
            self["\(name).weight"] = ("F32", [outputs, input.count])
            if hasBias { self["\(name).bias"] = ("F32", [outputs]) }
        case .batchNorm:
            let channels = [input.extents.last ?? 1]
            for part in ["weight", "bias", "running_mean", "running_var"] {
                self["\(name).\(part)"] = ("F32", channels)
            }
        case .centroids(let count):
            self["\(name).weight"] = ("F32", [count, input.count])
        default: break
        }
    }

    fileprivate mutating func requireInt8(_ layer: Layer, _ input: Shape) {
        let name = layer.name
        switch layer.kind {
        case .convolution(let convolution):
            requireWeights(
                name, convolution.filterShape(input).extents, outputs: convolution.outputs)
        case .linear(let outputs, _):
            requireWeights(name, [outputs, input.count], outputs: outputs)
        case .centroids(let count):
            self["\(name).weight"] = ("F32", [count, input.count])
        default: break
        }
    }

    private mutating func requireWeights(_ name: String, _ shape: [Int], outputs: Int) {
        self["\(name).weight"] = ("I8", shape)
        self["\(name).weight_scale"] = ("F32", [outputs])
        self["\(name).bias"] = ("I32", [outputs])
    }
}

extension Convolution {
    /// The shape of the filters for an input map `[height, width, channels]`:
    /// `[outC, kH, kW, inC / groups]`.
    public func filterShape(_ input: Shape) -> Shape {
        [outputs, kernelHeight, kernelWidth, input[2] / groups]
    }
}
