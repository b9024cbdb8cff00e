import Files
import Foundation
import Model
import Pictures
import Tensors
import Testing
import Training

struct RunFolderTests {
    private let temporary: TemporaryFolder
    private var path: String { "\(temporary.path)/run" }

    init() throws { temporary = try TemporaryFolder() }

    private func state(epoch: Int, step: Int = 0) -> TrainingState {
        var state = TrainingState()
        state.epoch = epoch
        state.step = step
        state.lossSum = 0.1 + Double(step)
        state.nmiPrevious = 1.0 / 3
        state.tensors["network.w"] = .float32(Tensor([1, .pi, -0], shape: [3]))
        state.tensors["assignments"] = .int32(Tensor([3, -1], shape: [2]))
        return state
    }

    @Test func theFolderIsForOneProgramAtATime() throws {
        var first: RunFolder? = try RunFolder(path)
        #expect(throws: TrainingError.runFolderInUse(folder: path)) { try RunFolder(path) }
        _ = first?.path
        first = nil
        _ = try RunFolder(path)
    }

    @Test func foldersAboveAreMade() throws {
        let deep = "\(temporary.path)/a/b/run"
        #expect(try RunFolder(deep).path == deep)
        #expect(try temporary.names(in: "a/b/run/checkpoints").isEmpty)
    }

    @Test func aPlaceThatCannotHoldAFolderIsRefused() {
        #expect(throws: SystemCallError.self) { try RunFolder("/proc/run") }
    }

    @Test func statesComeBackAsTheyWere() throws {
        let folder = try RunFolder(path)
        #expect(folder.newestState { _ in } == nil)
        try folder.save(state(epoch: 2, step: 5))
        #expect(folder.newestState { Issue.record("\($0)") } == state(epoch: 2, step: 5))
    }

    @Test func twoGenerationsAreKept() throws {
        let folder = try RunFolder(path)
        for (epoch, step) in [(0, 3), (0, 10), (1, 0), (10, 0)] {
            try folder.save(state(epoch: epoch, step: step))
        }
        let names = try temporary.names(in: "run/checkpoints")
        #expect(names.count == 2)
        #expect(names[0].hasPrefix("state-1-0-") && names[1].hasPrefix("state-10-0-"))
        #expect(folder.newestState { _ in }?.epoch == 10)
    }

    @Test(arguments: [0.0, 0.3, 0.999])
    func aDamagedGenerationGivesWayToTheOneBefore(place: Double) throws {
        let folder = try RunFolder(path)
        try folder.save(state(epoch: 1))
        try folder.save(state(epoch: 2))
        try damage(try newestFile(), at: place)
        var notes: [String] = []
        #expect(folder.newestState { notes.append($0) } == state(epoch: 1))
        #expect(notes.count == 1)
        #expect(notes.first?.contains("damaged") == true)
        // The damaged one does not count any more.
        try folder.save(state(epoch: 2))
        #expect(folder.newestState { Issue.record("\($0)") }?.epoch == 2)
    }

    @Test func whereNoStateIsWholeTheRunBeginsAnew() throws {
        let folder = try RunFolder(path)
        var notes: [String] = []
        #expect(folder.newestState { notes.append($0) } == nil)
        #expect(notes.isEmpty)
        try folder.save(state(epoch: 1))
        try damage(newestFile(), at: 0.5)
        #expect(folder.newestState { notes.append($0) } == nil)
        #expect(notes.count == 2 && notes[1].contains("no saved state is whole"))
    }

    @Test func aTruncatedGenerationIsDamaged() throws {
        let folder = try RunFolder(path)
        try folder.save(state(epoch: 1))
        try folder.save(state(epoch: 2))
        let file = try newestFile()
        let bytes = try #require(FileManager.default.contents(atPath: file))
        try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: file))
        #expect(folder.newestState { _ in }?.epoch == 1)
    }

    @Test func whatIsNotOfARunIsLeftAlone() throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        try RunFolder(path).discard()
        #expect(try temporary.names(in: "run").isEmpty)
        try Data([1]).write(to: URL(fileURLWithPath: "\(path)/.draft.tmp"))
        try RunFolder(path).discard()
        #expect(try temporary.names(in: "run") == [".draft.tmp"])

        try RunFolder("\(temporary.path)/new/run").discard()
        #expect(try temporary.names(in: "") == ["run"])
    }

    @Test func leftoversOfAKilledProgramAreRemoved() throws {
        _ = try RunFolder(path)
        for name in [".config.json.17.tmp", "checkpoints/.state.17.tmp"] {
            try Data([1]).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        }
        _ = try RunFolder(path)
        #expect(try temporary.names(in: "run") == [".lock", "checkpoints"])
        #expect(try temporary.names(in: "run/checkpoints").isEmpty)
    }

    @Test func settingsComeBackAsTheyWere() throws {
        let folder = try RunFolder(path)
        #expect(try folder.settings() == nil)
        var settings = FitSettings(
            recipe: .v2, network: .small, sobel: false, size: 28, clusters: 10, epochs: 3,
            pictures: 100, picturesDigest: "x")
        settings.learningRate = 0.1
        try folder.record(settings)
        #expect(try folder.settings() == settings)
    }

    /// A run that was begun before a setting existed goes on as it was.
    @Test func settingsOfAnEarlierVersionAreRead() throws {
        let folder = try RunFolder(path)
        let text = """
            {"batch": 16, "clusters": 4, "crop_scale": 0.5, "epochs": 2, "jitter": 0.5,
            "learning_rate": 0.1, "momentum": 0.9, "network": "small", "pictures": 60,
            "pictures_digest": "x", "processor": "y", "prototypes": [4, 4, 4], "recipe": "v2",
            "seed": 31, "size": 16, "sobel": false, "temperature": 0.1, "threads": 1,
            "warm_up": 0.1, "weight_decay": 0.0001, "whiten": 0}
            """
        try DurableFile.write(text, to: "\(path)/config.json")
        let settings = try #require(try folder.settings())
        #expect(settings.grayscale == 0.2 && settings.blur == 0)
        #expect(settings.reassign == 1 && settings.sampler == .uniform)
        #expect(settings.smallCrops == nil && settings.initial == nil)
    }

    @Test func foreignSettingsAreRefused() throws {
        let folder = try RunFolder(path)
        try DurableFile.write("{\"recipe\": 3}", to: "\(path)/config.json")
        #expect(throws: TrainingError.self) { try folder.settings() }
    }

    @Test func skippedPicturesStayOnOneLineEach() throws {
        let folder = try RunFolder(path)
        try folder.record([SkippedFile(path: "a\tb\nc", reason: "back\\slash")])
        let text = try String(contentsOfFile: "\(path)/skipped.tsv", encoding: .utf8)
        #expect(text == "path\treason\na\\tb\\nc\tback\\\\slash\n")
    }

    private func newestFile() throws -> String {
        let names = try temporary.names(in: "run/checkpoints")
        return try "\(path)/checkpoints/\(#require(names.last))"
    }

    private func damage(_ file: String, at place: Double) throws {
        var bytes = try #require(FileManager.default.contents(atPath: file))
        bytes[Int(Double(bytes.count) * place)] ^= 0x40
        try bytes.write(to: URL(fileURLWithPath: file))
    }
}
