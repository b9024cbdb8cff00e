import Evaluation
import Model
import Quantization
import Tensors
import TestSupport
import Testing

struct EvaluatorTests {
    private let train: TemporaryFolder
    private let test: TemporaryFolder
    private let models: TemporaryFolder

    init() throws {
        (train, test, models) = try (TemporaryFolder(), TemporaryFolder(), TemporaryFolder())
        try LabelledFolder.write(30, to: train, seed: 1)
        try LabelledFolder.write(25, to: test, seed: 2)
    }

    private func write(_ checkpoint: Checkpoint, _ name: String) throws -> String {
        try checkpoint.write(to: models.path(name))
        return models.path(name)
    }

    private func request(_ checkpoints: [String]) -> EvaluationRequest {
        EvaluationRequest(checkpoints: checkpoints, test: test.path, train: train.path)
    }

    /// A checkpoint and what quantization makes of it.
    private func floatAndInteger() throws -> (float: String, integer: String) {
        let checkpoint = try SmallCheckpoint.make()
        let views = LabelledFolder.views(10, seed: 3)
        return (
            try write(checkpoint, "float.safetensors"),
            try write(
                Quantizer.quantize(checkpoint, calibration: views).checkpoint, "int8.safetensors")
        )
    }

    @Test func untrainedFloatAndIntegerStandSideBySide() throws {
        let (float, integer) = try floatAndInteger()
        var request = request([float, integer])
        request.includesUntrained = true
        request.clusters = [6, 3]
        let report = try Evaluator(request).run()
        #expect(report.models.map(\.weights) == [.untrained, .float32, .int8])
        #expect(report.models.map(\.checkpoint) == [float, float, integer])
        #expect(report.train?.count == 90 && report.test.count == 75)
        #expect(report.test.labels == ["blue", "green", "red"])
        for model in report.models {
            // Colours are told apart without any training.
            #expect(model.neighbourAccuracy > 0.95)
            #expect(model.fitted.map(\.clusters) == [6, 3])
            // Three clusters for three colours may end in a local optimum; six leave room.
            #expect(model.fitted[0].purity > 0.9)
            #expect(model.shipped?.clusters == 6)
            #expect(model.dimension == 4)
        }
        let (before, after) = (report.models[1], report.models[2])
        #expect(abs(before.fitted[0].ami - after.fitted[0].ami) < 0.15)
    }

    @Test func theNumberOfThreadsAndTheOrderOfModelsChangeNothing() throws {
        let path = try write(SmallCheckpoint.make(), "a.safetensors")
        let other = try write(SmallCheckpoint.make(seed: 6), "b.safetensors")
        var request = request([path, other])
        request.clusters = [5]
        let first = try Evaluator(request).run().models
        request.checkpoints.reverse()
        #expect(try Evaluator(request).run().models.reversed() == first)
    }

    @Test func probesStandSideBySide() throws {
        let (float, integer) = try floatAndInteger()
        var request = request([float, integer])
        request.includesUntrained = true
        request.probes = true
        request.probeEpochs = 60
        request.clusters = [3]
        var steps: [EvaluationStep] = []
        let report = try Evaluator(request).run { step, done, _ in
            if done == 0 { steps.append(step) }
        }
        #expect(report.probed == ProbedPictures(train: 90, test: 75, epochs: 60))
        let layers = report.models.map { $0.probes?.map(\.layer) }
        // The maps of an int8 network are no floats.
        #expect(layers == [["conv", "embedding"], ["conv", "embedding"], ["embedding"]])
        for probe in report.models.flatMap({ $0.probes ?? [] }) {
            #expect(probe.accuracy > 0.95, "\(probe.layer)")
            #expect(probe.bestAccuracy >= probe.accuracy)
            #expect((1...60).contains(probe.bestEpoch))
        }
        #expect(report.models[0].probes?[0].dimension == 8 * 8 * 12)
        #expect(
            steps.suffix(3) == [
                .probing(checkpoint: float, weights: .untrained),
                .probing(checkpoint: float, weights: .float32),
                .probing(checkpoint: integer, weights: .int8),
            ])
        // Less memory takes more passes and gives the same.
        request.probeMemory = 1
        #expect(try Evaluator(request).run() == report)
    }

    @Test func oneFolderIsSharedBetweenLearningAndJudging() throws {
        var request = EvaluationRequest(
            checkpoints: [try write(SmallCheckpoint.make(), "a.safetensors")], test: test.path)
        request.probes = true
        let report = try Evaluator(request).run()
        #expect(report.probed == ProbedPictures(train: 60, test: 15, epochs: 90))
        #expect(report.models[0].probes?.count == 2)
        request.probedLayers = ["conv9"]
        #expect(throws: EvaluationError.noSuchLayer(name: "conv9", known: ["conv"])) {
            try Evaluator(request)
        }
        request.probedLayers = nil
        let few = try TemporaryFolder()
        try LabelledFolder.write(4, to: few, seed: 1)
        request.test = few.path
        #expect(throws: EvaluationError.tooFewToProbe(place: few.path)) {
            try Evaluator(request).run()
        }
    }

    @Test func oneFolderIsJudgedByItself() throws {
        let path = try write(SmallCheckpoint.make(), "a.safetensors")
        var request = EvaluationRequest(checkpoints: [path], test: test.path)
        request.includesUntrained = true
        let report = try Evaluator(request).run()
        #expect(report.train == nil)
        #expect(report.models.allSatisfy { $0.neighbourAccuracy > 0.95 })
        // Of the usual 100 and 10 clusters, 75 pictures make 10.
        #expect(report.models[0].fitted.map(\.clusters) == [10])
    }

    @Test func filesThatAreNoPicturesAreLeftOutAndTold() throws {
        try test.write(Array("text".utf8), to: "red/note.txt")
        try test.write(Array("text".utf8), to: "note.txt")
        let path = try write(SmallCheckpoint.make(), "a.safetensors")
        var seen: [(EvaluationStep, Int, Int)] = []
        let report = try Evaluator(request([path])).run { seen.append(($0, $1, $2)) }
        #expect(report.test.count == 75 && report.test.unlabelled == 1)
        #expect(report.test.skipped.map(\.path) == ["red/note.txt"])
        #expect(report.test.skipped.allSatisfy { $0.reason.contains("neither JPEG nor PNG") })
        #expect(seen.first! == (EvaluationStep.embedding(place: train.path), 0, 90))
        #expect(seen.last! == (EvaluationStep.embedding(place: test.path), 76, 76))
    }

    @Test func aNetworkWithoutClustersIsJudgedByItsFeature() throws {
        var checkpoint = try SmallCheckpoint.make()
        checkpoint.network.layers.removeLast(3)
        checkpoint.tensors = checkpoint.tensors.filter { $0.key.hasPrefix("conv") }
        checkpoint.clustering = nil
        let path = try write(checkpoint, "backbone.safetensors")
        var request = request([path])
        request.includesUntrained = true
        let report = try Evaluator(request).run()
        #expect(report.models.map(\.weights) == [.untrained, .float32])
        for model in report.models {
            #expect(model.shipped == nil && model.dimension == 12)
        }
        #expect(report.models[1].neighbourAccuracy > 0.9)
    }

    @Test func whatCannotBeJudgedIsRefused() throws {
        let path = try write(SmallCheckpoint.make(), "a.safetensors")
        let flat = try TemporaryFolder()
        try flat.write(PNGWriter.encode(width: 1, height: 1, pixels: [1, 2, 3]), to: "a.png")
        #expect(throws: EvaluationError.noLabels(place: flat.path)) {
            try Evaluator(EvaluationRequest(checkpoints: [path], test: flat.path))
        }
        let other = try TemporaryFolder()
        try other.write(PNGWriter.encode(width: 1, height: 1, pixels: [1, 2, 3]), to: "x/a.png")
        #expect(throws: EvaluationError.noSharedLabel(train: other.path, test: test.path)) {
            try Evaluator(
                EvaluationRequest(checkpoints: [path], test: test.path, train: other.path))
        }
        #expect(throws: EvaluationError.onePicture(place: other.path)) {
            try Evaluator(EvaluationRequest(checkpoints: [path], test: other.path)).run()
        }
        let text = try TemporaryFolder()
        try text.write(Array("no picture".utf8), to: "x/a.txt")
        #expect(throws: EvaluationError.noReadablePicture(place: text.path, tried: 1)) {
            try Evaluator(EvaluationRequest(checkpoints: [path], test: text.path)).run()
        }
        var many = request([path])
        many.clusters = [76]
        #expect(
            throws: EvaluationError.fewerPicturesThanClusters(
                place: test.path, pictures: 75, clusters: 76)
        ) { try Evaluator(many).run() }
        many.clusters = [0]
        #expect(
            throws: EvaluationError.wrongSetting(name: "the number of clusters", value: 0)
        ) { try Evaluator(many) }
        #expect(throws: CheckpointError.self) {
            try Evaluator(request([test.path("red/0.png")]))
        }
    }

    @Test func theUntrainedNetworkNeedsAFloatCheckpoint() throws {
        let views = Tensor<UInt8>(repeating: 100, shape: [4, 16, 16, 3])
        let path = try write(
            Quantizer.quantize(SmallCheckpoint.make(), calibration: views).checkpoint,
            "int8.safetensors")
        var request = request([path])
        request.includesUntrained = true
        #expect(throws: EvaluationError.untrainedNeedsFloat(checkpoint: path)) {
            try Evaluator(request)
        }
    }
}
