import Exchange
import FloatNetworks
import Foundation
import Inference
import Model
import Quantization
import SwiftProtobuf
import Tensors
import Testing

/// Checkpoints as files of other programs.
struct NetworkExportTests {
    private let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    // MARK: Networks

    /// A network with every kind of layer that an int8 one can have, and batch norm.
    private static func everyKind(sobel: Bool) -> Network {
        var network = Network(layers: [], feature: "fc")
        if sobel { network.append("sobel", .sobel) }
        network.appendConvolution(
            "1", Convolution(outputs: 8, kernel: 5, stride: 2, padding: Padding(2)))
        // As efficient networks pad: nothing at the top and left.
        network.append(
            "pool1",
            .maxPool(
                Pooling(
                    kernel: 3, stride: 2,
                    padding: Padding(top: 0, left: 0, bottom: 1, right: 1))))
        network.appendConvolution(
            "2", Convolution(outputs: 8, kernel: 3, padding: Padding(1), groups: 8))
        network.layers.append(Layer("sum", .add, inputs: ["relu2", "pool1"]))
        network.append(
            "pool2", .averagePool(Pooling(kernel: 2, stride: 2, countsPadding: false)))
        network.append("drop", .dropout(probability: 0.5))
        network.append("fc", .linear(outputs: 24, hasBias: true))
        return network
    }

    /// The same, ending in a global average.
    private static func averaged() -> Network {
        var network = Network(layers: [], feature: "pool")
        network.appendConvolution(
            "1", Convolution(outputs: 16, kernel: 3, padding: Padding(1), hasBias: false))
        network.append("relu6", .relu6)
        network.append("pool", .globalAveragePool)
        return network
    }

    private static func checkpoint(_ backbone: Network, seed: UInt64) throws -> Checkpoint {
        var network = backbone
        network.append("projection", .linear(outputs: 12, hasBias: true))
        network.append("normalize", .l2Normalize)
        network.append("centroids", .centroids(count: 5))
        var random = SeededGenerator(seed: seed)
        var tensors = try FloatNetwork.initialTensors(
            for: network, inputShape: [22, 22, 3], using: &random)
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let noise = random.normals(tensor.count, deviation: 0.3)
            // Variances and factors stay positive.
            let isPositive = name.hasSuffix("running_var") || name.hasSuffix("norm1.weight")
            tensors[name] = Tensor(
                noise.map { isPositive ? 0.5 + abs($0) : $0 }, shape: tensor.shape)
        }
        return Checkpoint(
            network: network,
            input: InputSpecification(width: 22, height: 22, shortSide: 22), precision: .float32,
            clustering: ClusteringDescription(clusters: 5, dimension: 12, whiteningExponent: 0),
            provenance: Provenance(
                recipe: "test", seed: seed, epochs: 1, pictures: 9, picturesDigest: "x"),
            license: "CC0-1.0", tensors: tensors.mapValues { .float32($0) })
    }

    static let networks: [(name: String, network: Network)] = [
        ("colours", everyKind(sobel: false)), ("edges", everyKind(sobel: true)),
        ("averaged", averaged()),
    ]

    private static func pixels(_ count: Int) -> [UInt8] {
        var random = SeededGenerator(seed: 7)
        // Smooth pictures, as real ones are, use the range of the activations.
        return (0..<count).flatMap { _ -> [UInt8] in
            let (a, b, c) = (random.uniform(), random.uniform(), random.uniform())
            return (0..<22 * 22 * 3).map { index in
                let (x, y) = (Float(index / 3 % 22) / 22, Float(index / 66) / 22)
                let wave = abs((x * a + y * b + c * Float(index % 3)) * 4).truncatingRemainder(
                    dividingBy: 1)
                return UInt8(255 * wave)
            }
        }
    }

    /// `[n, H, W, C]` as `[n, C, H, W]`.
    private static func channelsFirst(_ batch: Tensor<Float>) -> Tensor<Float> {
        let (n, h, w, c) = (batch.shape[0], batch.shape[1], batch.shape[2], batch.shape[3])
        var elements: [Float] = []
        for picture in 0..<n {
            for channel in 0..<c {
                for position in 0..<h * w {
                    elements.append(batch.elements[(picture * h * w + position) * c + channel])
                }
            }
        }
        return Tensor(elements, shape: [n, c, h, w])
    }

    // MARK: ONNX Runtime

    @Test(
        .enabled(if: ONNXRuntime.isThere, Comment(rawValue: ONNXRuntime.message)),
        arguments: networks.indices)
    func aFloatNetworkGivesTheSameNumbers(index: Int) throws {
        let checkpoint = try Self.checkpoint(Self.networks[index].network, seed: 11)
        let path = "\(temporary.path)/float.onnx"
        try NetworkExport.writeONNX(checkpoint, to: path)
        let pixels = Self.pixels(6)
        let batch = checkpoint.input.batch(of: pixels.span, count: 6)
        let expected = try FloatNetwork(checkpoint).evaluate(
            batch, capturing: ["normalize", "centroids"]
        ).captured
        let found = try ONNXRuntime.run(path, Self.channelsFirst(batch), in: temporary.path)
        for (output, layer) in [("embedding", "normalize"), ("distances", "centroids")] {
            let values = try #require(expected[layer]).elements
            try #require(found[output]?.count == values.count)
            for (a, b) in zip(found[output]!, values) { #expect(abs(a - b) < 1e-4) }
        }
        let distances = try #require(expected["centroids"])
        let nearest = (0..<6).map { row -> Float in
            let values = Array(distances[row: row])
            return Float(values.indices.min { values[$0] < values[$1] }!)
        }
        #expect(found["cluster"] == nearest)
    }

    @Test(
        .enabled(if: ONNXRuntime.isThere, Comment(rawValue: ONNXRuntime.message)),
        arguments: networks.indices, [7, 8])
    func anIntegerNetworkGivesTheSameEmbedding(index: Int, weightBits: Int) throws {
        let float = try Self.checkpoint(Self.networks[index].network, seed: 11)
        let pixels = Self.pixels(40)
        let checkpoint = try Quantizer.make(
            float, calibration: Tensor(pixels, shape: [40, 22, 22, 3]), weightBits: weightBits
        ).checkpoint
        let path = "\(temporary.path)/int8.onnx"
        try NetworkExport.writeONNX(checkpoint, to: path)
        let embeddings = try InferencePlan(checkpoint, batch: 40).embed(pixels.span, count: 40)
        let batch = checkpoint.input.batch(of: pixels.span, count: 40)
        let found = try ONNXRuntime.run(path, Self.channelsFirst(batch), in: temporary.path)
        let vectors = Tensor(try #require(found["embedding"]), shape: [40, 12])
        for (row, embedding) in embeddings.enumerated() {
            let cosine = zip(embedding.vector, vectors[row: row]).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(cosine >= 0.999, "picture \(row): \(cosine)")
        }
    }

    /// Every published network, imported from PyTorch's own files.
    @Test(
        .enabled(if: ONNXRuntime.isThere, Comment(rawValue: ONNXRuntime.message)),
        arguments: PyTorchFixture.all)
    func importedNetworksGoOut(fixture: PyTorchFixture) throws {
        let checkpoint = try ImportedNetwork(contentsOf: fixture.path).checkpoint
        let path = "\(temporary.path)/imported.onnx"
        try NetworkExport.writeONNX(checkpoint, to: path)
        let picture = PyTorchFixture.picture(for: checkpoint.input)
        let found = try ONNXRuntime.run(path, Self.channelsFirst(picture), in: temporary.path)
        let expected = fixture.expectedFeature
        let feature = try #require(found["feature"])
        try #require(feature.count == expected.count)
        let size = expected.reduce(0) { max($0, abs($1)) }
        for (a, b) in zip(feature, expected) { #expect(abs(a - b) <= 1e-4 * size) }
    }

    /// A head that was kept is an output beside the feature.
    @Test(
        .enabled(if: ONNXRuntime.isThere, Comment(rawValue: ONNXRuntime.message)),
        arguments: PyTorchFixture.all.prefix(3))
    func keptHeadsAreOutputsOfTheirOwn(fixture: PyTorchFixture) throws {
        let checkpoint = try ImportedNetwork(
            contentsOf: fixture.path, options: ImportOptions(keepsHead: true)
        ).checkpoint
        let path = "\(temporary.path)/headed.onnx"
        try NetworkExport.writeONNX(checkpoint, to: path)
        let picture = PyTorchFixture.picture(for: checkpoint.input)
        let found = try ONNXRuntime.run(path, Self.channelsFirst(picture), in: temporary.path)
        let expected = try FloatNetwork(checkpoint).evaluate(
            picture, capturing: [checkpoint.network.feature, checkpoint.network.output]
        ).captured
        for (output, layer) in [
            ("feature", checkpoint.network.feature), ("output", checkpoint.network.output),
        ] {
            let values = try #require(expected[layer]).elements
            let numbers = try #require(found[output])
            try #require(numbers.count == values.count)
            let size = values.reduce(0) { max($0, abs($1)) }
            for (a, b) in zip(numbers, values) { #expect(abs(a - b) <= 1e-4 * size) }
        }
    }

    // MARK: The files themselves

    @Test func theModelTellsOfItself() throws {
        let path = "\(temporary.path)/model.onnx"
        try NetworkExport.writeONNX(try Self.checkpoint(Self.averaged(), seed: 3), to: path)
        let model = try Onnx_ModelProto(
            serializedBytes: Data(contentsOf: URL(filePath: path)))
        #expect(model.irVersion == 8)
        #expect(model.opsetImport.map(\.version) == [17])
        #expect(model.producerName == "dctrain")
        let facts = Dictionary(
            uniqueKeysWithValues: model.metadataProps.map { ($0.key, $0.value) })
        #expect(facts["license"] == "CC0-1.0")
        #expect(facts["input"]?.contains("\"mean\"") == true)
        #expect(facts["network"] == nil)
        #expect(model.graph.input.map(\.name) == ["input"])
        #expect(model.graph.output.map(\.name) == ["embedding", "distances", "cluster"])
        #expect(model.graph.input[0].type.tensorType.shape.dim[0].dimParam == "pictures")
        #expect(
            model.graph.input[0].type.tensorType.shape.dim.dropFirst().map(\.dimValue) == [
                3, 22, 22,
            ])
        // Every value that is read is there before.
        var known = Set(model.graph.initializer.map(\.name) + ["input"])
        for node in model.graph.node {
            #expect(known.isSuperset(of: node.input), "\(node.name)")
            for output in node.output { #expect(known.insert(output).inserted, "\(output)") }
        }
        #expect(known.isSuperset(of: model.graph.output.map(\.name)))
    }

    @Test func equalCheckpointsGiveEqualBytes() throws {
        let checkpoint = try Self.checkpoint(Self.everyKind(sobel: true), seed: 5)
        for name in ["a", "b"] {
            try NetworkExport.writeONNX(checkpoint, to: "\(temporary.path)/\(name)")
        }
        #expect(
            FileManager.default.contents(atPath: "\(temporary.path)/a")
                == FileManager.default.contents(atPath: "\(temporary.path)/b"))
    }

    @Test func layersMayBeCalledLikeOutputs() throws {
        var network = Network(layers: [], feature: "feature")
        network.append(
            "embedding", .convolution(Convolution(outputs: 4, kernel: 3, hasBias: false)))
        network.append("feature", .globalAveragePool)
        var random = SeededGenerator(seed: 1)
        var checkpoint = try Self.checkpoint(Self.averaged(), seed: 3)
        (checkpoint.network, checkpoint.clustering) = (network, nil)
        checkpoint.tensors = try FloatNetwork.initialTensors(
            for: network, inputShape: [22, 22, 3], using: &random
        ).mapValues { .float32($0) }
        let path = "\(temporary.path)/model.onnx"
        try NetworkExport.writeONNX(checkpoint, to: path)
        let graph = try Onnx_ModelProto(
            serializedBytes: Data(contentsOf: URL(filePath: path))
        ).graph
        let outputs = graph.node.flatMap(\.output)
        #expect(Set(outputs).count == outputs.count)
        #expect(graph.output.map(\.name) == ["feature"])
    }

    /// Filters go out as PyTorch has them, and so do the columns of a linear layer after a map.
    @Test func safetensorsHoldsPyTorchsOrder() throws {
        let checkpoint = try Self.checkpoint(Self.everyKind(sobel: false), seed: 5)
        let path = "\(temporary.path)/weights.safetensors"
        try NetworkExport.writeSafetensors(checkpoint, to: path)
        let file = try SafetensorsFile(contentsOf: path)
        #expect(file.metadata["license"] == "CC0-1.0")
        #expect(file.metadata["format"] == "pt")
        #expect(Set(file.tensors.keys) == Set(checkpoint.tensors.keys))

        let ours = try checkpoint.float("conv1.weight")
        let theirs = try #require(file.tensors["conv1.weight"]?.floats)
        #expect(theirs.shape == [8, 3, 5, 5])
        for (o, c, y, x) in [(0, 0, 0, 0), (7, 2, 4, 1), (3, 1, 2, 3)] {
            #expect(
                theirs.elements[((o * 3 + c) * 5 + y) * 5 + x]
                    == ours.elements[((o * 5 + y) * 5 + x) * 3 + c])
        }
        // pool2 gives 2 × 2 × 8.
        let linear = try checkpoint.float("fc.weight")
        let turned = try #require(file.tensors["fc.weight"]?.floats)
        #expect(turned.shape == linear.shape && linear.shape == [24, 32])
        for (row, c, position) in [(0, 0, 0), (23, 7, 3), (5, 3, 2)] {
            #expect(
                turned.elements[row * 32 + c * 4 + position]
                    == linear.elements[row * 32 + position * 8 + c])
        }
    }

    // MARK: What is refused

    @Test func integersAreNoSafetensorsOfFloats() throws {
        let float = try Self.checkpoint(Self.averaged(), seed: 3)
        let int8 = try Quantizer.make(
            float, calibration: Tensor(Self.pixels(8), shape: [8, 22, 22, 3])
        ).checkpoint
        let path = "\(temporary.path)/weights.safetensors"
        #expect(throws: ExchangeError(path, .integerWeights)) {
            try NetworkExport.writeSafetensors(int8, to: path)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func anInvalidCheckpointAndAPlaceThatIsNotThereAreRefused() throws {
        var checkpoint = try Self.checkpoint(Self.averaged(), seed: 3)
        #expect(throws: ExchangeError.self) {
            try NetworkExport.writeONNX(checkpoint, to: "\(temporary.path)/none/model.onnx")
        }
        checkpoint.tensors["conv1.weight"] = nil
        let path = "\(temporary.path)/model.onnx"
        #expect(throws: ExchangeError.self) { try NetworkExport.writeONNX(checkpoint, to: path) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}

extension WeightTensor {
    fileprivate var floats: Tensor<Float>? {
        if case .float32(let values) = self { values } else { nil }
    }
}

extension Network {
    fileprivate mutating func appendConvolution(_ suffix: String, _ convolution: Convolution) {
        append("conv\(suffix)", .convolution(convolution))
        append("norm\(suffix)", .batchNorm(epsilon: 1e-3))
        append("relu\(suffix)", .relu)
    }
}
