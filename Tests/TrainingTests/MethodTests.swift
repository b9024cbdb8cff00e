import FloatNetworks
import Foundation
import Imaging
import Model
import Pictures
import Tensors
import Testing
import Training
import TrainingTestSupport
import Vocabulary

/// What a run can be asked for beyond its recipe's defaults.
struct MethodTests {
    private let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    private func request(_ name: String, _ recipe: Recipe = .v2) -> FitRequest {
        .tiny(recipe, run: "\(temporary.path)/\(name)")
    }

    @discardableResult
    private func fit(_ request: FitRequest, stopAfter: Int? = nil) throws -> FitSession {
        let session = try FitSession(
            request, source: SyntheticPictures(count: 60),
            observer: RecordingObserver(stopAfter: stopAfter))
        try session.run()
        return session
    }

    private func model(_ name: String) throws -> Checkpoint {
        try Checkpoint(contentsOf: "\(temporary.path)/\(name)/model.safetensors")
    }

    private func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(temporary.path)/\(name)/model.safetensors"))
    }

    // MARK: Small crops

    @Test func smallCropsAreLearntFromAndResumed() throws {
        var plain = request("plain")
        try fit(plain)
        plain.smallCrops = 2
        plain.smallSize = 8
        var whole = plain
        whole.run = "\(temporary.path)/whole"
        let session = try fit(whole)
        #expect(
            session.plan.settings.smallCrops?.description
                == "2 of 8 pixels and 0.15 to 0.5 of the area")
        #expect(try bytes("whole") != bytes("plain"))

        var parts = plain
        parts.run = "\(temporary.path)/parts"
        for _ in 0..<2 {
            #expect(throws: Interruption.self) { try fit(parts, stopAfter: 3) }
        }
        try fit(parts)
        #expect(try bytes("whole") == bytes("parts"))
    }

    /// With no batch norm between them, crops of equal size are one batch.
    @Test func twoSizesLearnLikeOneBatch() throws {
        var graph = Network(layers: [], feature: "pool")
        graph.append(
            "conv", .convolution(Convolution(outputs: 5, kernel: 3, padding: Padding(1))))
        graph.append("relu", .relu)
        graph.append("pool", .globalAveragePool)
        var random = SeededGenerator(seed: 5)
        let tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: [6, 6, 3], using: &random)
        func network() throws -> FloatNetwork {
            try FloatNetwork(network: graph, inputShape: [6, 6, 3], tensors: tensors, threads: 2)
        }
        let crops = Tensor(random.normals(7 * 108, deviation: 1), shape: [7, 6, 6, 3])
        let gradient = Tensor(random.normals(7 * 5, deviation: 1), shape: [7, 5])

        let two = try TwoSizeNetwork(network(), smallSize: 6)
        let batch = CropBatch(large: crops.rows(at: 0..<4), small: crops.rows(at: 4..<7))
        let output = two.forward(batch.large, small: batch.small, using: &random)
        two.backward(gradient)
        let one = try network()
        let expected = one.forward(crops, using: &random)
        one.backward(gradient.reshaped(to: expected.shape))
        #expect(output.elements == expected.elements)
        for (name, values) in one.gradients {
            let found = try #require(two.gradients[name])
            for (a, b) in zip(found.elements, values.elements) {
                #expect(abs(a - b) < 1e-4, "\(name), seed 5")
            }
        }
    }

    @Test func smallCropsNeedANetworkForAllSizes() {
        var request = request("run")
        request.network = .alexnet
        request.size = 96
        request.smallCrops = 1
        request.smallSize = 64
        #expect { try fit(request) } throws: { "\($0)".contains("global average") }
    }

    // MARK: A checkpoint to begin with

    @Test(arguments: Recipe.allCases)
    func aRunBeginsWithTheGivenWeights(recipe: Recipe) throws {
        try fit(request("first"))
        var first = try model("first")
        first.license = "CC0-1.0"
        let path = "\(temporary.path)/first.safetensors"
        try first.write(to: path)

        var second = request("second", recipe)
        second.size = nil
        second.initial = path
        second.epochs = 0
        try fit(second)
        let begun = try model("second")
        #expect(try begun.float("conv1.weight") == first.float("conv1.weight"))
        #expect(try begun.float("norm2.running_var") == first.float("norm2.running_var"))
        #expect(begun.license == "CC0-1.0")
        #expect(begun.provenance.source?.contains("first.safetensors") == true)

        second.run += "-learns"
        second.epochs = 1
        try fit(second)
        let learnt = try model("second-learns")
        #expect(try learnt.float("conv1.weight") != first.float("conv1.weight"))
        #expect(learnt.network.layers.filter { $0.name == "projection" }.count == 1)
    }

    @Test func aRunGoesOnWithTheCheckpointItBeganWith() throws {
        try fit(request("first"))
        let path = "\(temporary.path)/first.safetensors"
        try model("first").write(to: path)
        var run = request("run")
        (run.size, run.initial) = (nil, path)
        #expect(throws: Interruption.self) { try fit(run, stopAfter: 1) }

        var other = try model("first")
        other.license = "other"
        try other.write(to: path)
        #expect { try fit(run) } throws: { "\($0)".contains("initial SHA-256") }
        try model("first").write(to: path)
        // It need not be named again.
        run.initial = nil
        try fit(run)
    }

    /// The size of a run is its own, also where its checkpoint, which has another, is named again.
    @Test func aRunOfAnotherSizeGoesOnWithTheSameCheckpoint() throws {
        try fit(request("first"))
        let path = "\(temporary.path)/first.safetensors"
        try model("first").write(to: path)
        var run = request("run")
        (run.size, run.initial) = (24, path)
        #expect(throws: Interruption.self) { try fit(run, stopAfter: 1) }
        run.size = nil
        #expect(try fit(run).plan.settings.size == 24)
        #expect(try model("run").input.width == 24)
    }

    @Test func whatDoesNotFitACheckpointIsRefused() throws {
        try fit(request("first"))
        var run = request("run")
        run.initial = "\(temporary.path)/first/model.safetensors"
        run.network = .alexnet
        #expect { try fit(run) } throws: { "\($0)".contains("leave --network out") }
        run.network = nil
        run.sobel = true
        #expect { try fit(run) } throws: { "\($0)".contains("sees colours") }
        #expect(!FileManager.default.fileExists(atPath: run.run))
    }

    // MARK: Settings

    @Test func settingsOfTheOtherRecipeAreRefused() {
        var v2 = request("run")
        v2.reassign = 2
        #expect { try fit(v2) } throws: { "\($0)".contains("--recipe v1") }
        var v1 = request("run", .v1)
        v1.smallCrops = 2
        #expect { try fit(v1) } throws: { "\($0)".contains("--recipe v2") }
        v1.smallCrops = nil
        v1.reassign = 0
        #expect(throws: VocabularyError.self) { try fit(v1) }
    }

    /// An epoch of v1 is as many passes over the pictures as asked for.
    @Test func reassignScalesTheEpoch() throws {
        var request = request("run", .v1)
        (request.reassign, request.sampler) = (2.5, .reference)
        let session = try fit(request)
        for epoch in session.metrics {
            let training = try #require(epoch.phases.first { $0.phase == .training })
            #expect((training.picturesPerSecond * training.seconds).rounded() == 150)
        }
        let recipe = try DeepCluster(session.plan.settings, pictures: 60)
        recipe.useArbitraryLabels()
        #expect(recipe.requests(epoch: 0).reduce(0) { $0 + $1.count } == 150)
    }

    /// PIC finds other numbers of clusters in each epoch, and a run with it can be resumed.
    @Test func powerIterationClusteringMakesPseudoLabels() throws {
        var whole = request("whole", .v1)
        whole.clustering = .pic
        try fit(whole)
        var parts = whole
        parts.run = "\(temporary.path)/parts"
        for _ in 0..<2 {
            #expect(throws: Interruption.self) { try fit(parts, stopAfter: 3) }
        }
        let session = try fit(parts)
        #expect(session.metrics.allSatisfy { $0.clusters.empty == 0 && $0.loss.isFinite })
        #expect(try bytes("whole") == bytes("parts"))
        // What ships has the clusters asked for.
        #expect(try model("whole").clustering?.clusters == 4)
    }

    /// Pictures of noise.
    private struct Noise: PictureSource {
        let place = "noise", count = 30, digest = "noise"
        func path(of index: Int) -> String { "noise-\(index)" }
        func label(of index: Int) -> Int? { nil }
        func picture(at index: Int, for input: InputSpecification) -> Picture {
            var random = SeededGenerator(seed: UInt64(index))
            let pixels = (0..<768).map { _ in UInt8(random.index(below: 256)) }
            return Picture(width: 16, height: 16, pixels: pixels)
        }
    }

    /// Whitened to nearly as many dimensions as there are pictures, none has another near it.
    @Test func picturesThatPICLeavesAloneAreTold() throws {
        var request = request("run", .v1)
        request.clustering = .pic
        let observer = RecordingObserver()
        try FitSession(request, source: Noise(), observer: observer).run()
        #expect(observer.notes.contains { $0.contains("--clustering kmeans") })
    }

    @Test func aDryRunPlansAndLeavesNothing() throws {
        var request = request("run")
        request.isDryRun = true
        let plan = try fit(request).plan
        #expect(plan.settings.clusters == 4)
        #expect(plan.expectedMinutes != nil && plan.secondsPerEpoch != nil)
        #expect(try temporary.names(in: "").isEmpty)

        // Of a run under way nothing changes.
        request.isDryRun = false
        #expect(throws: Interruption.self) { try fit(request, stopAfter: 1) }
        let before = try temporary.names(in: "run/checkpoints")
        request.isDryRun = true
        #expect(try fit(request).plan.isResumed)
        #expect(try temporary.names(in: "run/checkpoints") == before)
    }

    @Test(arguments: Architecture.allCases, [false, true])
    func everyArchitectureFitsItsSmallestSize(network: Architecture, sobel: Bool) throws {
        let graph = network.network(sobel: sobel)
        let side = FitSettings(
            recipe: .v1, network: network, sobel: sobel, size: network.smallestSize, clusters: 2,
            epochs: 1, pictures: 9, picturesDigest: "")
        try side.validate()
        let shapes = try graph.outputShapes(input: side.inputShape)
        #expect((shapes[graph.feature]?.count ?? 0) >= 256)
        #expect(graph.layers.contains { $0.kind == .sobel } == sobel)
        var smaller = side
        smaller.size -= 1
        #expect(throws: VocabularyError.self) { try smaller.validate() }
    }

    // MARK: Small sets

    /// Copies of five pictures, so features of rank four and more clusters than points.
    private struct Copies: PictureSource {
        let place = "copies", count = 40, digest = "copies"
        private let pictures = SyntheticPictures(count: 5)
        func path(of index: Int) -> String { "copy-\(index)" }
        func label(of index: Int) -> Int? { index % 5 }
        func picture(at index: Int, for input: InputSpecification) throws -> Picture {
            try pictures.picture(at: index % 5, for: input)
        }
    }

    @Test(arguments: Recipe.allCases)
    func copiesOfAFewPicturesGiveACorrectResult(recipe: Recipe) throws {
        var request = request("run", recipe)
        request.clusters = 8
        let observer = RecordingObserver()
        try FitSession(request, source: Copies(), observer: observer).run()
        #expect(observer.epochs.allSatisfy { $0.loss.isFinite })
        let checkpoint = try model("run")
        #expect((checkpoint.clustering?.dimension ?? 99) <= 4)
        for name in ["projection.weight", "projection.bias", "centroids.weight"] {
            #expect(try checkpoint.float(name).elements.allSatisfy(\.isFinite), "\(name)")
        }
    }

    /// Units that are dead for every picture are directions without variance.
    @Test func deadUnitsDropOutOfTheEmbedding() throws {
        try fit(request("first"))
        var dead = try model("first")
        var scale = try dead.float("norm4.weight")
        var shift = try dead.float("norm4.bias")
        for unit in 0..<250 {
            scale.elements[unit] = 0
            shift.elements[unit] = -1
        }
        dead.tensors["norm4.weight"] = .float32(scale)
        dead.tensors["norm4.bias"] = .float32(shift)
        let path = "\(temporary.path)/dead.safetensors"
        try dead.write(to: path)
        var second = request("second", .v1)
        (second.size, second.initial, second.epochs) = (nil, path, 0)
        try fit(second)
        #expect(try model("second").clustering?.dimension ?? 99 <= 6)
        second.run += "-learns"
        second.epochs = 1
        try fit(second)
    }
}
