import FloatNetworks
import Model
import Quantization
import Tensors
import Testing

struct FoldedNetworkTests {
    // What is folded computes the same in exact arithmetic; 1e-4 of the largest value leaves
    // room for a few hundred float roundings.
    @Test(arguments: [
        (Network.smallConvNet(sobel: false), 16), (Network.smallConvNet(sobel: true), 12),
        (SmallModels.narrowAlexNet, 24), (SmallModels.residual, 10),
    ])
    func equalsTheFloatNetwork(backbone: Network, size: Int) throws {
        let checkpoint = try SmallModels.checkpoint(backbone, size: size, seed: 4)
        let folded = try FoldedNetwork(checkpoint)
        var tensors: [String: Tensor<Float>] = [
            "centroids.weight": try checkpoint.float("centroids.weight")
        ]
        var network = Network(layers: [], feature: folded.feature)
        for step in folded.steps {
            // The folded bounds become layers again, behind the layer they were folded into.
            let inputs = step.layer.inputs.map {
                network.layer("\($0).bounds") == nil ? $0 : "\($0).bounds"
            }
            network.layers.append(Layer(step.layer.name, step.layer.kind, inputs: inputs))
            switch step.bounds {
            case .none: break
            case .relu: network.append("\(step.layer.name).bounds", .relu)
            case .relu6: network.append("\(step.layer.name).bounds", .relu6)
            }
            if let weights = step.weights {
                tensors["\(step.layer.name).weight"] = weights.weight
                tensors["\(step.layer.name).bias"] = Tensor(
                    weights.bias, shape: [weights.bias.count])
            }
        }
        var random = SeededGenerator(seed: 9)
        let shape = Shape([3] + checkpoint.inputShape.extents)
        let batch = Tensor(random.normals(shape.count, deviation: 1), shape: shape)
        let original = try FloatNetwork(
            network: checkpoint.network, inputShape: checkpoint.inputShape,
            tensors: checkpoint.tensors.mapValues { tensor in
                if case .float32(let values) = tensor { values } else { Tensor([], shape: [0]) }
            })
        let rebuilt = try FloatNetwork(
            network: network, inputShape: checkpoint.inputShape, tensors: tensors)
        let expected = original.evaluate(batch, capturing: ["projection"]).captured["projection"]
        let found = rebuilt.evaluate(batch, capturing: ["projection"]).captured["projection"]
        let (a, b) = (try #require(expected), try #require(found))
        let largest = a.elements.map { abs($0) }.max() ?? 0
        let error = zip(a.elements, b.elements).map { abs($0 - $1) }.max() ?? .infinity
        #expect(error <= 1e-4 * largest, "error \(error), largest value \(largest)")
    }

    @Test func keepsOnlyWhatTheEngineRuns() throws {
        let checkpoint = try SmallModels.checkpoint(.smallConvNet(sobel: true), size: 12, seed: 1)
        let folded = try FoldedNetwork(checkpoint)
        #expect(
            folded.network.layers.map(\.name) == [
                "sobel", "conv1", "pool1", "conv2", "pool2", "conv3", "pool3", "conv4", "pool",
                "projection", "normalize", "centroids",
            ])
        #expect(folded.steps.first { $0.layer.name == "conv3" }?.source == "relu3")
        #expect(folded.feature == "pool")
    }

    // fc7's raw output feeds the projection alone, so their product replaces both.
    @Test func foldsTheProjectionIntoTheLastLinearLayer() throws {
        let checkpoint = try SmallModels.checkpoint(
            SmallModels.narrowAlexNet, size: 24, dimension: 6, seed: 2)
        let folded = try FoldedNetwork(checkpoint)
        let projection = try #require(folded.steps.first { $0.layer.name == "projection" })
        #expect(folded.network.layer("fc7") == nil)
        #expect(projection.layer.inputs == ["fc6"])
        #expect(projection.weights?.weight.shape == [6, 32])
        #expect(folded.feature == "projection")
    }

    @Test func keepsALinearLayerWithReLUBeforeTheProjection() throws {
        var backbone = SmallModels.narrowAlexNet
        backbone.append("relu7", .relu)
        backbone.feature = "relu7"
        let folded = try FoldedNetwork(
            try SmallModels.checkpoint(backbone, size: 24, dimension: 6, seed: 2))
        #expect(folded.network.layer("fc7") != nil)
        #expect(folded.feature == "fc7")
    }

    @Test func refusesBatchNormBeforeTheConvolution() throws {
        var backbone = Network(layers: [], feature: "mean")
        backbone.append("norm", .batchNorm(epsilon: 1e-5))
        backbone.append("conv", .convolution(Convolution(outputs: 4, kernel: 3)))
        backbone.append("mean", .globalAveragePool)
        let checkpoint = try SmallModels.checkpoint(
            backbone, size: 8, dimension: 4, clusters: 2, seed: 3)
        #expect(throws: QuantizationError.self) { try FoldedNetwork(checkpoint) }
    }

    // Were the norm folded into conv1, the sum would read normalized values twice.
    @Test func refusesBatchNormBehindASharedConvolution() throws {
        var backbone = Network(layers: [], feature: "mean")
        let same = Convolution(outputs: 4, kernel: 3, padding: Padding(1))
        backbone.append("conv1", .convolution(same))
        backbone.append("norm1", .batchNorm(epsilon: 1e-5))
        backbone.layers.append(Layer("sum", .add, inputs: ["conv1", "norm1"]))
        backbone.append("mean", .globalAveragePool)
        let checkpoint = try SmallModels.checkpoint(
            backbone, size: 8, dimension: 4, clusters: 2, seed: 3)
        #expect(throws: QuantizationError.self) { try FoldedNetwork(checkpoint) }
    }
}
