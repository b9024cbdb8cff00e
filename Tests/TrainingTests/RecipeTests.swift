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

/// Tiny runs of both recipes, from pictures to the checkpoint.
struct RecipeTests {
    private let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    private func request(_ name: String, _ recipe: Recipe = .v2) -> FitRequest {
        var request = FitRequest.tiny(recipe, run: "\(temporary.path)/\(name)")
        if recipe == .v2 { request.prototypes = [4, 6] }
        return request
    }

    private func fit(
        _ request: FitRequest, _ source: SyntheticPictures = SyntheticPictures(count: 60),
        _ observer: RecordingObserver = RecordingObserver()
    ) throws {
        try FitSession(request, source: source, observer: observer).run()
    }

    @Test(arguments: Recipe.allCases)
    func aRunEndsWithAUsableCheckpoint(recipe: Recipe) throws {
        let observer = RecordingObserver()
        let request = request("run", recipe)
        let source = SyntheticPictures(count: 60, broken: [7])
        try fit(request, source, observer)

        let checkpoint = try Checkpoint(contentsOf: "\(request.run)/model.safetensors")
        #expect(checkpoint.clustering?.clusters == 4)
        #expect(checkpoint.clustering?.whiteningExponent == (recipe == .v1 ? -0.5 : 0))
        #expect(checkpoint.provenance.recipe == "deepcluster-\(recipe)")
        #expect(checkpoint.provenance.pictures == 59)
        #expect(
            checkpoint.network.layers.suffix(3).map(\.name) == [
                "projection", "normalize", "centroids",
            ])
        #expect(checkpoint.network.feature == "pool")
        #expect(!checkpoint.tensors.keys.contains { $0.hasPrefix("head") })

        #expect(observer.epochs.count == 2)
        #expect(observer.epochs.allSatisfy { $0.loss.isFinite && $0.loss > 0 })
        #expect(observer.epochs[0].nmiPrevious == nil)
        #expect((0...1).contains(try #require(observer.epochs[1].nmiPrevious)))
        #expect(observer.epochs[1].labels != nil)
        let lines = try String(contentsOfFile: "\(request.run)/metrics.jsonl", encoding: .utf8)
        #expect(lines.split(separator: "\n").count == 2)
        let skipped = try String(contentsOfFile: "\(request.run)/skipped.tsv", encoding: .utf8)
        #expect(skipped == "path\treason\nshape-7\tno picture\\tat all\n")
    }

    /// The shipped layers do what the clustering did: every picture goes to its own cluster.
    @Test func theCheckpointAssignsLikeTheLastClustering() throws {
        let request = request("run")
        try fit(request)
        let checkpoint = try Checkpoint(contentsOf: "\(request.run)/model.safetensors")
        let tensors = try Dictionary(
            uniqueKeysWithValues: checkpoint.tensors.keys.map { ($0, try checkpoint.float($0)) })
        let network = try FloatNetwork(
            network: checkpoint.network, inputShape: checkpoint.inputShape, tensors: tensors)
        let store = try PictureStore(
            SyntheticPictures(count: 60), input: checkpoint.input, memory: 1 << 20, threads: 1)
        let loader = BatchLoader(store, views: CropViews(large: .v2()), seed: 0, threads: 1)
        let views = try #require(loader.centerViews(batch: 60).next())
        let distances = network.evaluate(views).output
        var members = [[Int]](repeating: [], count: 4)
        for picture in 0..<60 {
            let row = Array(distances[row: picture])
            #expect(row.allSatisfy { $0.isFinite && $0 >= 0 })
            let nearest = row.indices.min { row[$0] < row[$1] }!
            members[nearest].append(picture)
        }
        // Lloyd's fixed point: each centroid is the mean of its members' embeddings.
        let embeddings = try #require(
            network.evaluate(views, capturing: ["normalize"]).captured["normalize"])
        let centroids = try checkpoint.float("centroids.weight")
        for cluster in 0..<4 where !members[cluster].isEmpty {
            let mean = mean(of: members[cluster].map { Array(embeddings[row: $0]) })
            for (a, b) in zip(mean, centroids[row: cluster]) { #expect(abs(a - b) < 0.02) }
        }
    }

    private func mean(of rows: [[Float]]) -> [Float] {
        rows[0].indices.map { column in
            rows.reduce(0) { $0 + $1[column] } / Float(rows.count)
        }
    }

    @Test func withoutEpochsTheRandomNetworkIsShipped() throws {
        var request = request("run")
        request.epochs = 0
        let observer = RecordingObserver()
        try fit(request, SyntheticPictures(count: 30), observer)
        let checkpoint = try Checkpoint(contentsOf: "\(request.run)/model.safetensors")
        #expect(checkpoint.provenance.epochs == 0)
        #expect(try checkpoint.float("norm1.running_mean").elements.allSatisfy { $0 == 0 })
        #expect(observer.epochs.isEmpty)
    }

    @Test func equalSettingsGiveEqualBytes() throws {
        try fit(request("a"))
        try fit(request("b"))
        #expect(try model("a") == model("b"))
        var other = request("c")
        other.seed = 32
        try fit(other)
        #expect(try model("a") != model("c"))
    }

    /// A set of one picture many times over has one distinct feature and no variance.
    @Test func picturesThatAreAllTheSameAreRefusedInWords() throws {
        struct Same: PictureSource {
            let place = "same", count = 20, digest = "same"
            func path(of index: Int) -> String { "same" }
            func label(of index: Int) -> Int? { nil }
            func picture(at index: Int, for input: InputSpecification) throws -> Picture {
                Picture(width: 1, height: 1, pixels: [9, 9, 9])
            }
        }
        var request = request("run", .v1)
        request.clusters = 2
        #expect(throws: (any Error).self) {
            try FitSession(request, source: Same(), observer: RecordingObserver()).run()
        }
    }

    @Test func fewerPicturesThanClustersAreRefused() {
        var request = request("run")
        request.clusters = 31
        #expect(throws: VocabularyError.fewerPicturesThanClusters(pictures: 30, clusters: 31)) {
            try fit(request, SyntheticPictures(count: 30))
        }
        // Nothing is left of a run that did not come to be.
        #expect(!FileManager.default.fileExists(atPath: request.run))
        #expect(
            "\(VocabularyError.fewerPicturesThanClusters(pictures: 30, clusters: 31))"
                .contains("--clusters"))
    }

    @Test func onePictureIsTooFew() {
        #expect(throws: VocabularyError.tooFewPictures(found: 1, needed: 2)) {
            try fit(request("run"), SyntheticPictures(count: 1))
        }
    }

    @Test func impossibleSettingsAreRefused() {
        var request = request("run")
        request.batch = 1
        #expect(throws: VocabularyError.self) { try fit(request) }
        request.batch = 16
        request.learningRate = .nan
        #expect(throws: VocabularyError.self) { try fit(request) }
    }

    @Test func minutesBecomeEpochs() throws {
        var request = request("run")
        request.epochs = nil
        request.minutes = 0.02
        let session = try FitSession(
            request, source: SyntheticPictures(count: 60), observer: RecordingObserver())
        #expect(session.plan.settings.epochs >= 1)
        #expect(session.plan.settings.minutes == 0.02)
        #expect(session.plan.expectedMinutes != nil)
    }

    private func model(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(temporary.path)/\(name)/model.safetensors"))
    }
}
