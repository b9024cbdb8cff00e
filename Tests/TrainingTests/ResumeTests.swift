import Foundation
import Model
import Pictures
import Tensors
import Testing
import Training
import TrainingTestSupport

/// A run that is stopped and started again ends with the bytes of one that never stopped.
struct ResumeTests {
    private let temporary: TemporaryFolder
    private let source = SyntheticPictures(count: 50)

    init() throws { temporary = try TemporaryFolder() }

    private func request(_ name: String, _ recipe: Recipe) -> FitRequest {
        var request = FitRequest(images: "synthetic", run: "\(temporary.path)/\(name)")
        request.recipe = recipe
        request.size = 12
        request.clusters = 4
        request.epochs = 3
        request.batch = 12
        request.threads = 2
        return request
    }

    private enum Outcome {
        case finished, interrupted
    }

    private func fit(_ request: FitRequest, stopAfter: Int? = nil) throws -> Outcome {
        do {
            try FitSession(
                request, source: source, observer: RecordingObserver(stopAfter: stopAfter)
            ).run()
            return .finished
        } catch is Interruption {
            return .interrupted
        }
    }

    private func model(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(temporary.path)/\(name)/model.safetensors"))
    }

    // An epoch has five steps: within the first, at the end of one, within the last.
    @Test(arguments: Recipe.allCases, [1, 5, 7, 14])
    func aStoppedRunEndsWithTheSameBytes(recipe: Recipe, steps: Int) throws {
        #expect(try fit(request("whole", recipe)) == .finished)
        #expect(try fit(request("parts", recipe), stopAfter: steps) == .interrupted)
        #expect(try fit(request("parts", recipe)) == .finished)
        #expect(try model("whole") == model("parts"))
        #expect(try losses("whole") == losses("parts"))
    }

    // States of earlier programs keep the bank of the epoch under way apart from that of the last.
    @Test(arguments: [2, 7])
    func aStateWithTwoBanksGoesOn(steps: Int) throws {
        #expect(try fit(request("whole", .v2)) == .finished)
        let parts = request("parts", .v2)
        #expect(try fit(parts, stopAfter: steps) == .interrupted)
        do {
            let folder = try RunFolder(parts.run)
            var state = try #require(folder.newestState { Issue.record("\($0)") })
            for file in RunFolder.stateFiles(of: parts.run) {
                try FileManager.default.removeItem(atPath: file)
            }
            for view in 0..<2 {
                guard case .float32(let bank) = state.tensors["bank.\(view)"] else {
                    throw Unexpected()
                }
                state.tensors["next_bank.\(view)"] = .float32(bank)
                state.tensors["bank.\(view)"] = .float32(
                    Tensor(repeating: 0, shape: bank.shape))
            }
            try folder.save(state)
        }
        #expect(try fit(parts) == .finished)
        #expect(try model("whole") == model("parts"))
    }

    private struct Unexpected: Error {}

    @Test(arguments: Recipe.allCases)
    func aRunStoppedAtEveryStepEndsWithTheSameBytes(recipe: Recipe) throws {
        #expect(try fit(request("whole", recipe)) == .finished)
        var starts = 0
        while try fit(request("parts", recipe), stopAfter: 1) == .interrupted { starts += 1 }
        #expect(starts >= 10)
        #expect(try model("whole") == model("parts"))
    }

    @Test(arguments: Recipe.allCases)
    func theRateAfterAStopIsThatOfTheRestOfTheEpoch(recipe: Recipe) throws {
        #expect(try fit(request("parts", recipe), stopAfter: 7) == .interrupted)
        let observer = RecordingObserver()
        try FitSession(request("parts", recipe), source: source, observer: observer).run()
        let training = observer.phases.indices.filter { observer.phases[$0] == .training }
        // Two of the second epoch's five steps, of ten pictures each, were done.
        #expect(training.map { observer.sharesDone[$0] } == [0.4, 0])
        let pictures = try observer.epochs.map { epoch in
            let times = try #require(epoch.phases.first { $0.phase == .training })
            return (times.picturesPerSecond * times.seconds).rounded()
        }
        #expect(pictures == [30, 50])
    }

    /// A picture that cannot be read any more is grey, and every other keeps its number.
    @Test func aPictureThatGoesBadDoesNotEndTheRun() throws {
        var source = source
        source.broken = [3, 20]
        var request = request("parts", .v2)
        #expect(throws: Interruption.self) {
            try FitSession(
                request, source: source, observer: RecordingObserver(stopAfter: 7)
            ).run()
        }
        // One goes bad, another is whole again.
        source.broken = [3, 41]
        let observer = RecordingObserver()
        let session = try FitSession(request, source: source, observer: observer)
        #expect(session.plan.settings.pictures == 48)
        try session.run()
        #expect(observer.notes.contains { $0.contains("shape-41") && $0.contains("grey") })
        let skipped = try String(
            contentsOfFile: "\(temporary.path)/parts/skipped.tsv", encoding: .utf8)
        #expect(skipped.contains("shape-3\t") && skipped.contains("shape-20\t"))
        #expect(!skipped.contains("shape-41"))
        // A new run does without it.
        request.run += "-new"
        let plan = try FitSession(
            request, source: source, observer: RecordingObserver()
        ).plan
        #expect(plan.settings.pictures == 48 && plan.skipped == 2)
    }

    @Test func aDamagedStateCostsOnlyTime() throws {
        #expect(try fit(request("whole", .v2)) == .finished)
        #expect(try fit(request("parts", .v2), stopAfter: 8) == .interrupted)
        let folder = "\(temporary.path)/parts/checkpoints"
        let newest = try #require(try temporary.names(in: "parts/checkpoints").last)
        var bytes = try #require(FileManager.default.contents(atPath: "\(folder)/\(newest)"))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: "\(folder)/\(newest)"))
        let observer = RecordingObserver()
        let session = try FitSession(request("parts", .v2), source: source, observer: observer)
        try session.run()
        #expect(observer.notes.contains { $0.contains("damaged") })
        #expect(try model("whole") == model("parts"))
    }

    @Test func otherSettingsAreRefusedWithTheDifferences() throws {
        _ = try fit(request("run", .v2), stopAfter: 1)
        var other = request("run", .v2)
        other.clusters = 5
        other.seed = 9
        #expect(
            throws: TrainingError.settingsDiffer(
                folder: other.run, differences: ["clusters 4, not 5", "seed 31, not 9"])
        ) { try fit(other) }
    }

    @Test func settingsThatAreNotGivenAreThoseOfTheRun() throws {
        _ = try fit(request("run", .v2), stopAfter: 1)
        let bare = FitRequest(images: "synthetic", run: "\(temporary.path)/run")
        let session = try FitSession(bare, source: source, observer: RecordingObserver())
        #expect(session.plan.isResumed)
        #expect(session.plan.settings.clusters == 4)
        #expect(session.plan.settings.epochs == 3)
    }

    @Test func otherPicturesAreRefused() throws {
        _ = try fit(request("run", .v2), stopAfter: 1)
        #expect(throws: TrainingError.self) {
            try FitSession(
                request("run", .v2), source: SyntheticPictures(count: 49),
                observer: RecordingObserver())
        }
    }

    @Test func aFinishedRunIsLeftAsItIs() throws {
        _ = try fit(request("run", .v2))
        let before = try model("run")
        let observer = RecordingObserver()
        let session = try FitSession(request("run", .v2), source: source, observer: observer)
        #expect(session.plan.isFinished)
        try session.run()
        #expect(observer.phases.isEmpty)
        #expect(try model("run") == before)
    }

    @Test func aStopWhileReadingLeavesNothing() throws {
        let request = request("run", .v2)
        #expect(throws: Interruption.self) { try fitStoppedAtOnce(request) }
        #expect(!FileManager.default.fileExists(atPath: request.run))
    }

    private func fitStoppedAtOnce(_ request: FitRequest) throws {
        try FitSession(request, source: source, observer: RecordingObserver(stopAfter: 0)).run()
    }

    @Test func twoProgramsDoNotShareARun() throws {
        let request = request("run", .v2)
        let first = try FitSession(request, source: source, observer: RecordingObserver())
        #expect(throws: TrainingError.runFolderInUse(folder: request.run)) {
            try FitSession(request, source: source, observer: RecordingObserver())
        }
        #expect(first.modelPath == "\(request.run)/model.safetensors")
    }

    private func losses(_ name: String) throws -> [Double] {
        let path = "\(temporary.path)/\(name)/metrics.jsonl"
        let lines = try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: 10)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try lines.map { try decoder.decode(EpochMetrics.self, from: $0).loss }
    }
}
