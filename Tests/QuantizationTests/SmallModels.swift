import FloatNetworks
import Model
import Tensors

/// Small shipped checkpoints with the statistics of trained ones, and pictures for them.
enum SmallModels {
    /// Pictures with structure at several scales, `[count, size, size, 3]`.
    static func views(_ count: Int, size: Int, seed: UInt64) -> Tensor<UInt8> {
        var random = SeededGenerator(seed: seed)
        var pixels: [UInt8] = []
        for _ in 0..<count {
            let colours = (0..<6).map { _ in random.uniform() * 255 }
            let (stepX, stepY) = (random.uniform() * 0.8, random.uniform() * 0.8)
            for y in 0..<size {
                for x in 0..<size {
                    let t = (sin(Float(x) * stepX + Float(y) * stepY) + 1) / 2
                    for c in 0..<3 {
                        let value = colours[c] * t + colours[c + 3] * (1 - t)
                        pixels.append(UInt8(min(max(value + random.normal() * 8, 0), 255)))
                    }
                }
            }
        }
        return Tensor(pixels, shape: [count, size, size, 3])
    }

    private static func sin(_ x: Float) -> Float {
        // Bhaskara's approximation on [0, π], mirrored: these are only pictures.
        let turn = x.truncatingRemainder(dividingBy: 2 * .pi)
        let half = turn.truncatingRemainder(dividingBy: .pi)
        let value = 16 * half * (.pi - half) / (5 * .pi * .pi - 4 * half * (.pi - half))
        return turn > .pi ? -value : value
    }

    /// A float checkpoint of a backbone with random weights, realistic batch-norm statistics,
    /// a projection to `dimension`, and the embeddings of some pictures as centroids.
    static func checkpoint(
        _ backbone: Network, size: Int, dimension: Int = 16, clusters: Int = 5, seed: UInt64
    ) throws -> Checkpoint {
        var random = SeededGenerator(seed: seed)
        var network = backbone
        network.append("projection", .linear(outputs: dimension, hasBias: true))
        network.append("normalize", .l2Normalize)
        network.append("centroids", .centroids(count: clusters))
        var checkpoint = Checkpoint(
            network: network,
            input: InputSpecification(width: size, height: size, shortSide: size),
            precision: .float32,
            clustering: ClusteringDescription(
                clusters: clusters, dimension: dimension, whiteningExponent: 0),
            provenance: Provenance(
                recipe: "deepcluster-v2", seed: seed, epochs: 1, pictures: 8,
                picturesDigest: String(repeating: "0", count: 64)),
            license: "CC0-1.0", tensors: [:])
        var tensors = try FloatNetwork.initialTensors(
            for: network, inputShape: checkpoint.inputShape, using: &random)
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            tensors[name] = disturbed(name, tensor, using: &random)
        }
        try normalize(&tensors, checkpoint, using: &random)
        checkpoint.tensors = tensors.mapValues { .float32($0) }
        return checkpoint
    }

    /// Trained batch norm has gains around one and offsets around zero, and biases are not zero.
    private static func disturbed(
        _ name: String, _ tensor: Tensor<Float>, using random: inout SeededGenerator
    ) -> Tensor<Float> {
        let count = tensor.count
        if name.hasPrefix("norm"), name.hasSuffix(".weight") {
            return Tensor(
                (0..<count).map { _ in random.uniform(in: 0.3...1.5) }, shape: tensor.shape)
        }
        if name.hasSuffix(".bias") {
            return Tensor(random.normals(count, deviation: 0.3), shape: tensor.shape)
        }
        if name.hasPrefix("fc") || name.hasPrefix("projection"), name.hasSuffix(".weight") {
            let deviation = (2 / Float(tensor.rowSize)).squareRoot()
            return Tensor(random.normals(count, deviation: deviation), shape: tensor.shape)
        }
        return tensor
    }

    /// Sets running statistics to those of some pictures, layer by layer, and the centroids to
    /// embeddings.
    private static func normalize(
        _ tensors: inout [String: Tensor<Float>], _ checkpoint: Checkpoint,
        using random: inout SeededGenerator
    ) throws {
        let clusters = checkpoint.clustering?.clusters ?? 1
        let views = views(max(8, clusters), size: checkpoint.input.width, seed: random.next())
        let table = checkpoint.input.normalizationTable()
        let batch = Tensor(
            views.elements.enumerated().map { table[256 * ($0 % 3) + Int($1)] }, shape: views.shape)
        for layer in checkpoint.network.layers {
            guard case .batchNorm = layer.kind else { continue }
            let float = try FloatNetwork(
                network: checkpoint.network, inputShape: checkpoint.inputShape, tensors: tensors)
            let captured = float.evaluate(batch, capturing: [layer.inputs[0]]).captured
            guard let values = captured[layer.inputs[0]] else { continue }
            let channels = values.shape.extents.last ?? 1
            var (mean, square) = ([Float](repeating: 0, count: channels), [Float]())
            square = mean
            for (i, value) in values.elements.enumerated() {
                mean[i % channels] += value
                square[i % channels] += value * value
            }
            let n = Float(values.count / channels)
            let variance = zip(mean, square).map { $1 / n - ($0 / n) * ($0 / n) + 1e-4 }
            tensors["\(layer.name).running_mean"] = Tensor(mean.map { $0 / n }, shape: [channels])
            tensors["\(layer.name).running_var"] = Tensor(variance, shape: [channels])
        }
        let float = try FloatNetwork(
            network: checkpoint.network, inputShape: checkpoint.inputShape, tensors: tensors)
        let vectors = float.evaluate(batch, capturing: ["normalize"]).captured["normalize"]
        tensors["centroids.weight"] = vectors?.rows(at: 0..<clusters)
    }

    /// The AlexNet variant in narrow, for small pictures: the same kinds of layers in the same
    /// order, ending at the raw output of `fc7`.
    static var narrowAlexNet: Network {
        var network = Network(layers: [], feature: "fc7")
        network.append("sobel", .sobel)
        network.append(
            "conv1",
            .convolution(Convolution(outputs: 8, kernel: 5, stride: 2, padding: Padding(2))))
        network.append("norm1", .batchNorm(epsilon: 1e-5))
        network.append("relu1", .relu)
        network.append("pool1", .maxPool(Pooling(kernel: 3, stride: 2)))
        network.append(
            "conv2",
            .convolution(Convolution(outputs: 12, kernel: 3, padding: Padding(1), groups: 2)))
        network.append("norm2", .batchNorm(epsilon: 1e-5))
        network.append("relu2", .relu6)
        network.append("drop6", .dropout(probability: 0.5))
        network.append("fc6", .linear(outputs: 32, hasBias: true))
        network.append("relu6", .relu)
        network.append("drop7", .dropout(probability: 0.5))
        network.append("fc7", .linear(outputs: 24, hasBias: true))
        return network
    }

    /// A residual block with average pooling, whose sum is clamped.
    static var residual: Network {
        var network = Network(layers: [], feature: "mean")
        let same = Convolution(outputs: 8, kernel: 3, padding: Padding(1), hasBias: false)
        network.append("conv1", .convolution(same))
        network.append("norm1", .batchNorm(epsilon: 1e-5))
        network.append("relu1", .relu)
        network.append("conv2", .convolution(same))
        network.append("norm2", .batchNorm(epsilon: 1e-5))
        network.layers.append(Layer("sum", .add, inputs: ["norm2", "relu1"]))
        network.append("relu2", .relu)
        network.append("mean", .averagePool(Pooling(kernel: 2, stride: 2)))
        return network
    }
}
