import Model
import Tensors

/// Checkpoints with random int8 weights, scaled so that activations fill their range.
enum Int8Checkpoints {
    /// A checkpoint of `network`, which must hold only layers that int8 networks have.
    static func random(
        _ network: Network, width: Int, height: Int, weightBits: Int = 8, seed: UInt64
    ) throws -> Checkpoint {
        var random = SeededGenerator(seed: seed)
        let input = InputSpecification(
            width: width, height: height, shortSide: max(width, height))
        var checkpoint = Checkpoint(
            network: network, input: input, precision: .int8, clustering: nil,
            provenance: Provenance(
                recipe: "random", seed: seed, epochs: 0, pictures: 0, picturesDigest: ""),
            license: "CC0-1.0", weightBits: weightBits, tensors: [:])
        let shapes = try network.outputShapes(input: checkpoint.inputShape)
        // Pixels lie within −2.2 … 2.7 after normalization.
        checkpoint.set(Network.input, Format(scale: 0.02, zeroPoint: 110, low: 0, high: 255))
        for layer in network.layers {
            if case .maxPool = layer.kind {
                checkpoint.set(layer.name, checkpoint.format(layer.inputs[0]))
            } else if network.isQuantized(layer) {
                let before = checkpoint.format(layer.inputs[0])
                checkpoint.set(layer.name, .random(&random, near: before.scale))
            }
            checkpoint.setWeights(
                of: layer, on: shapes[layer.inputs[0], default: []],
                limit: weightBits == 7 ? 63 : 127, using: &random)
        }
        try checkpoint.validate()
        return checkpoint
    }

    /// The backbone followed by a projection, a normalization and centroids.
    static func ending(_ network: Network, dimension: Int, clusters: Int) -> Network {
        var network = network
        network.append("projection", .linear(outputs: dimension, hasBias: true))
        network.append("normalize", .l2Normalize)
        network.append("centroids", .centroids(count: clusters))
        return network
    }

    /// Random pictures for a checkpoint, `[count, height, width, 3]`.
    static func pixels(_ checkpoint: Checkpoint, count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return (0..<count * checkpoint.inputShape.count).map { _ in
            UInt8(truncatingIfNeeded: random.next() >> 24)
        }
    }
}

/// The scale and range of a u8 tensor, as the file holds them.
struct Format: Equatable {
    var scale: Float
    var zeroPoint: Int
    var low: Int
    var high: Int

    static func random(_ random: inout SeededGenerator, near scale: Float) -> Format {
        let scale = scale * random.uniform(in: 0.5...2)
        switch random.index(below: 3) {
        case 0: return Format(scale: scale, zeroPoint: 0, low: 0, high: 255)
        case 1: return Format(scale: scale, zeroPoint: 0, low: 0, high: 127)
        default:
            let zeroPoint = 90 + random.index(below: 70)
            return Format(scale: scale, zeroPoint: zeroPoint, low: 0, high: 255)
        }
    }
}

extension Checkpoint {
    func format(_ layer: String) -> Format {
        guard case .float32(let scale) = tensors["\(layer).output_scale"],
            case .int32(let range) = tensors["\(layer).output_range"]
        else { preconditionFailure("no format of '\(layer)'") }
        return Format(
            scale: scale.elements[0], zeroPoint: Int(range.elements[0]),
            low: Int(range.elements[1]), high: Int(range.elements[2]))
    }

    mutating func set(_ layer: String, _ format: Format) {
        tensors["\(layer).output_scale"] = .float32(Tensor([format.scale], shape: [1]))
        tensors["\(layer).output_range"] = .int32(
            Tensor([format.zeroPoint, format.low, format.high].map { Int32($0) }, shape: [3]))
    }

    fileprivate mutating func setWeights(
        of layer: Layer, on input: Shape, limit: Int, using random: inout SeededGenerator
    ) {
        let shape: Shape
        switch layer.kind {
        case .convolution(let convolution): shape = convolution.filterShape(input)
        case .linear(let outputs, _): shape = [outputs, input.count]
        case .centroids(let count):
            let values = random.normals(count * input.count, deviation: 0.3)
            tensors["\(layer.name).weight"] = .float32(
                Tensor(values, shape: [count, input.count]))
            return
        default: return
        }
        let outputs = shape[0]
        let depth = Float(shape.count / outputs)
        // Sums have a deviation of about 70 · limit / 2 · √depth; 60 steps of output are wanted.
        let before = format(layer.inputs[0]).scale
        let after = network.isQuantized(layer) ? format(layer.name).scale : before
        let scale = after / before * 60 / (40 * Float(limit) * depth.squareRoot())
        let weights = (0..<shape.count).map { _ in
            Int8(Int.random(in: -limit...limit, using: &random))
        }
        let bias = (0..<outputs).map { _ in Int32.random(in: -20000...20000, using: &random) }
        tensors["\(layer.name).weight"] = .int8(Tensor(weights, shape: shape))
        tensors["\(layer.name).bias"] = .int32(Tensor(bias, shape: [outputs]))
        tensors["\(layer.name).weight_scale"] = .float32(
            Tensor(
                (0..<outputs).map { _ in scale * random.uniform(in: 0.5...1.5) },
                shape: [outputs]))
    }
}
