import Foundation
import TestSupport

/// One of the built programs, which lie beside the test bundle in the build folder.
struct Program {
    /// `dctrain`, `dcd` or `dcctl`.
    let name: String

    static let dctrain = Program(name: "dctrain")
    static let dcd = Program(name: "dcd")
    static let dcctl = Program(name: "dcctl")

    /// The folder of the running test bundle, and so of the programs.
    static let folder: String = {
        let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: bundle ?? ".build/release/tests").deletingLastPathComponent()
            .path(percentEncoded: false)
    }()

    /// The program's file.
    var path: String { "\(Self.folder)/\(name)" }

    /// Runs the program to its end.
    func run(
        _ arguments: String..., environment: [String: String] = [:]
    ) async throws -> Outcome {
        try await Outcome(of: path, arguments, environment: environment)
    }
}

/// How a program ended and what it said.
struct Outcome {
    let status: Int32
    let output: String
    let errors: String

    /// Runs `path` with an empty standard input and waits for its end.
    init(
        of path: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws {
        // Files and not pipes: whatever a program says, it never waits for a reader.
        let folder = try TemporaryFolder()
        let files = ["output", "errors"].map { "\(folder.path)/\($0)" }
        status = try await ChildProcess(
            path, arguments, environment: environment, output: files[0], errors: files[1]
        ).ended()
        let said = try files.map { try Data(contentsOf: URL(filePath: $0)) }
        output = String(decoding: said[0], as: UTF8.self)
        errors = String(decoding: said[1], as: UTF8.self)
    }

    /// Whether the program failed with one sentence: a status above zero, a single line that is
    /// no crash, and nothing on standard output.
    var isOneSentence: Bool {
        let lines = errors.split(separator: "\n")
        return status > 0 && status < 128 && lines.count == 1 && output.isEmpty
            && !errors.contains("Fatal error")
    }

    /// The output as JSON.
    func json() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
        guard let object = value as? [String: Any] else { throw Unexpected(output) }
        return object
    }
}

/// Something a test cannot go on without is not there.
struct Unexpected: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
