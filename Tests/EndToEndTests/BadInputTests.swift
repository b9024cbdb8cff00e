import Foundation
import TestSupport
import Testing

/// Bad input: one clear sentence, a status above zero, and nothing lost or half-written.
@Suite(.serialized)
struct BadInputTests {
    private let home: TemporaryFolder
    private let model: TrainedModel

    init() async throws {
        home = try TemporaryFolder()
        model = try await TrainedModel.shared()
    }

    private func expectRefusal(
        _ outcome: Outcome, mentioning text: String, status: Int32 = 1,
        at location: SourceLocation = #_sourceLocation
    ) {
        let said = Comment(rawValue: "status \(outcome.status): \(outcome.errors)\(outcome.output)")
        #expect(outcome.isOneSentence, said, sourceLocation: location)
        #expect(outcome.status == status, said, sourceLocation: location)
        #expect(outcome.errors.contains(text), said, sourceLocation: location)
    }

    /// What is in the folder, to see that nothing came or went.
    private func names() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: home.path).sorted()
    }

    @Test func trainingNeedsPictures() async throws {
        let empty = home.path("empty")
        try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
        expectRefusal(
            try await Program.dctrain.run("fit", empty, "--run", home.path("run")),
            mentioning: empty)
        for number in 0..<5 {
            try home.write(Array("text \(number)".utf8), to: "texts/\(number).txt")
        }
        expectRefusal(
            try await Program.dctrain.run("fit", home.path("texts"), "--run", home.path("run")),
            mentioning: "texts")
        expectRefusal(
            try await Program.dctrain.run("fit", home.path("nowhere"), "--run", home.path("run")),
            mentioning: "nowhere")
        try SyntheticPictures.write(0..<12, to: home.path("few"))
        expectRefusal(
            try await Program.dctrain.run(
                "fit", home.path("few"), "--run", home.path("run"), "--clusters", "50",
                "--epochs", "1"),
            mentioning: "50")
        for (option, value) in [("--threads", "0"), ("--size", "0"), ("--momentum", "1.5")] {
            expectRefusal(
                try await Program.dctrain.run(
                    "fit", home.path("few"), "--run", home.path("run"), option, value),
                mentioning: option)
        }
        let inside = home.path("few/run")
        expectRefusal(
            try await Program.dctrain.run("fit", home.path("few"), "--run", inside),
            mentioning: inside)
        #expect(!FileManager.default.fileExists(atPath: inside))
        #expect(!FileManager.default.fileExists(atPath: home.path("run")))
    }

    @Test func checkpointsAreChecked() async throws {
        let whole = try Data(contentsOf: URL(filePath: model.quantized))
        let files = [
            ("truncated", [UInt8](whole.dropLast(100))), ("foreign", Array("no model".utf8)),
            ("empty", []), ("header", [UInt8](repeating: 0xFF, count: 64)),
        ]
        for (name, bytes) in files {
            let path = try home.write(bytes, to: "\(name).safetensors")
            expectRefusal(try await Program.dctrain.run("info", path), mentioning: path)
            let configuration = try RunningDaemon.configuration(
                home: home.path, watching: [home.path("pictures")], model: path)
            expectRefusal(try await Program.dcd.run("--config", configuration), mentioning: path)
        }
        #expect(!FileManager.default.fileExists(atPath: home.path("index.sqlite")))
    }

    @Test func precisionsAreNotMixed() async throws {
        try SyntheticPictures.write(0..<8, to: home.path("pictures"))
        let configuration = try RunningDaemon.configuration(
            home: home.path, watching: [home.path("pictures")], model: model.float)
        let before = try names()
        expectRefusal(
            try await Program.dctrain.run(
                "quantize", model.quantized, "--calibrate", home.path("pictures"), "--output",
                home.path("again.safetensors")),
            mentioning: "int8")
        expectRefusal(
            try await Program.dctrain.run(
                "quantize", model.float, "--calibrate", home.path("nowhere"), "--output",
                home.path("again.safetensors")),
            mentioning: "nowhere")
        expectRefusal(
            try await Program.dcd.run("--config", configuration), mentioning: "dctrain quantize")
        #expect(try names() == before)
    }

    @Test func oneDaemonKeepsAnIndexAndASocket() async throws {
        let pictures = home.path("pictures")
        try SyntheticPictures.write(0..<8, to: pictures)
        let daemon = try await RunningDaemon(
            home: home.path, watching: [pictures], model: model.quantized)
        try await daemon.waitUntilIndexed(8)
        let sameIndex = try RunningDaemon.configuration(
            home: home.path, watching: [pictures], model: model.quantized,
            socket: home.path("other.sock"))
        expectRefusal(try await Program.dcd.run("--config", sameIndex), mentioning: "index.sqlite")
        let sameSocket = try RunningDaemon.configuration(
            home: home.path, watching: [pictures], model: model.quantized,
            index: home.path("other.sqlite"))
        expectRefusal(try await Program.dcd.run("--config", sameSocket), mentioning: "dcd.sock")
        #expect(try await daemon.count("indexed") == 8, "the first one is disturbed")

        let text = try home.write(Array("no picture".utf8), to: "notes.txt")
        expectRefusal(
            try await Program.dcctl.run("--socket", daemon.socket, "query", text),
            mentioning: "notes.txt"
        )
        expectRefusal(
            try await Program.dcctl.run(
                "--socket", daemon.socket, "query", home.path("nowhere.png")),
            mentioning: "nowhere.png")
        #expect(await daemon.end(by: SIGTERM).status == 0)
        expectRefusal(
            try await Program.dcctl.run("--socket", daemon.socket, "status"), mentioning: "dcd",
            status: 69)
    }

    @Test func socketPathsAreChecked() async throws {
        let pictures = home.path("pictures")
        try SyntheticPictures.write(0..<1, to: pictures)
        let file = try home.write(Array("precious".utf8), to: "file")
        let noSocket = try RunningDaemon.configuration(
            home: home.path, watching: [pictures], model: model.quantized, socket: file)
        expectRefusal(try await Program.dcd.run("--config", noSocket), mentioning: file)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "precious")
        let long = home.path(String(repeating: "s", count: 120))
        let tooLong = try RunningDaemon.configuration(
            home: home.path, watching: [pictures], model: model.quantized, socket: long)
        expectRefusal(try await Program.dcd.run("--config", tooLong), mentioning: long)
    }
}
