import Inference
import Kernels
import Model
import Tensors
import Testing

struct RefusalTests {
    private static func base() throws -> Checkpoint {
        var network = Network(layers: [], feature: "pool")
        network.append("conv", .convolution(Convolution(outputs: 4, kernel: 3)))
        network.append("max", .maxPool(Pooling(kernel: 2, stride: 2)))
        network.append("pool", .globalAveragePool)
        return try Int8Checkpoints.random(
            Int8Checkpoints.ending(network, dimension: 4, clusters: 3), width: 8, height: 8,
            seed: 1)
    }

    private static func refusal(_ checkpoint: Checkpoint) -> InferenceError? {
        #expect(throws: InferenceError.self) { try InferencePlan(checkpoint) }
    }

    @Test func floatCheckpoints() throws {
        var checkpoint = try Self.base()
        checkpoint.precision = .float32
        let error = Self.refusal(checkpoint)
        #expect(error == .checkpoint(.wrongPrecision(found: .float32, needed: .int8)))
        #expect(error?.description.contains("dctrain quantize") == true)
    }

    @Test func layersThatQuantizationFoldsAway() throws {
        var checkpoint = try Self.base()
        checkpoint.network.layers[1].kind = .relu
        #expect(Self.refusal(checkpoint)?.description.contains("'max'") == true)
    }

    @Test func missingTensors() throws {
        var checkpoint = try Self.base()
        checkpoint.tensors["conv.bias"] = nil
        #expect(Self.refusal(checkpoint) == .checkpoint(.missingTensor("conv.bias")))
    }

    @Test func graphsThatDoNotFit() throws {
        var checkpoint = try Self.base()
        checkpoint.network.layers[2].inputs = ["elsewhere"]
        #expect(
            Self.refusal(checkpoint)
                == .checkpoint(.network(.unknownInput(layer: "pool", input: "elsewhere"))))
    }

    @Test func maximaOfAnotherScale() throws {
        var checkpoint = try Self.base()
        var format = checkpoint.format("max")
        format.scale *= 2
        checkpoint.set("max", format)
        #expect(
            Self.refusal(checkpoint)
                == .unsupportedLayer(layer: "max", reason: "a maximum has the scale of its input"))
    }

    @Test func networksWithoutClusters() throws {
        var checkpoint = try Self.base()
        checkpoint.network.layers.removeLast()
        checkpoint.tensors["centroids.weight"] = nil
        #expect(Self.refusal(checkpoint) == .noClusters(found: 0))
    }

    @Test func twoProjections() throws {
        var checkpoint = try Self.base()
        checkpoint.network.layers += [
            Layer("projection2", .linear(outputs: 4, hasBias: true), inputs: ["pool"]),
            Layer("normalize2", .l2Normalize, inputs: ["projection2"]),
        ]
        for part in ["weight", "bias", "weight_scale"] {
            checkpoint.tensors["projection2.\(part)"] = checkpoint.tensors["projection.\(part)"]
        }
        let error = Self.refusal(checkpoint)
        guard case .unsupportedLayer(let layer, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(layer == "projection2")
    }

    @Test(arguments: [("batch", 0, 1), ("threads", 1, 0), ("threads", 1, 1000)])
    func settings(name: String, batch: Int, threads: Int) throws {
        let checkpoint = try Self.base()
        let error = #expect(throws: InferenceError.self) {
            try InferencePlan(checkpoint, batch: batch, threads: threads)
        }
        #expect(error?.description.contains(name) == true)
    }

    @Test func batchesBeyondReach() throws {
        var checkpoint = try Self.base()
        (checkpoint.input.width, checkpoint.input.height) = (600, 600)
        checkpoint.input.shortSide = 600
        let error = #expect(throws: InferenceError.self) {
            try InferencePlan(checkpoint, batch: 4096)
        }
        guard case .tooLarge(let bytes, let limit) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(bytes > limit)
    }
}
