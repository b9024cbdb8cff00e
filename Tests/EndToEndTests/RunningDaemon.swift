import Foundation
import TestSupport

/// A `dcd` that watches folders, until it is killed or the test ends.
final class RunningDaemon: Sendable {
    /// The socket it answers on.
    let socket: String
    /// The index it keeps.
    let index: String

    private let process: ChildProcess
    private let log: String

    /// Starts `dcd`, with all its files in `home`, and waits until it answers.
    init(home: String, watching folders: [String], model: String) async throws {
        let configuration = try Self.configuration(
            home: home, watching: folders, model: model)
        (socket, index, log) = ("\(home)/dcd.sock", "\(home)/index.sqlite", "\(home)/dcd.log")
        process = try ChildProcess(
            Program.dcd.path, ["--config", configuration], output: log, errors: log)
        try await waitUntil("dcd answers") { try await status() != nil }
    }

    /// Writes `dcd.yaml` into `home` and gives its path.
    static func configuration(
        home: String, watching folders: [String], model: String, index: String? = nil,
        socket: String? = nil
    ) throws -> String {
        let path = "\(home)/\(UUID().uuidString).yaml"
        let lines =
            [
                "model: \(model)", "index: \(index ?? "\(home)/index.sqlite")",
                "socket: \(socket ?? "\(home)/dcd.sock")", "threads: 2", "watch:",
            ] + folders.map { "  - path: \($0)" }
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: path))
        return path
    }

    /// What `dcctl status --json` says; `nil` while nothing answers.
    func status() async throws -> [String: Any]? {
        guard process.isRunning else { throw Unexpected("dcd has ended:\n\(said)") }
        let status = try await Program.dcctl.run("--socket", socket, "status", "--json")
        return status.status == 0 ? try status.json() : nil
    }

    /// The number of pictures in a state.
    func count(_ state: String) async throws -> Int {
        let images = try await status()?["images"] as? [String: Any]
        return images?[state] as? Int ?? 0
    }

    /// Waits until exactly `count` pictures are indexed and none waits.
    func waitUntilIndexed(_ count: Int) async throws {
        try await waitUntil("\(count) pictures are indexed") {
            let images = try await status()?["images"] as? [String: Any]
            return images?["indexed"] as? Int == count && images?["pending"] as? Int == 0
        }
    }

    /// The processes that `dcd` has started.
    var workers: [Int32] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { Int32($0) }.filter { id in
            let stat = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
            // After the name, which may hold anything, come the state and the parent.
            let fields = stat?.split(separator: ")").last?.split(separator: " ") ?? []
            return fields.count > 1 && Int32(fields[1]) == process.identifier
        }
    }

    /// Sends a signal and waits for the end.
    ///
    /// - Returns: How long that took and, unless the signal ended it, the exit status.
    @discardableResult
    func end(by signal: Int32) async -> (duration: Duration, status: Int32?) {
        let start = ContinuousClock.now
        kill(process.identifier, signal)
        let status = await process.ended()
        return (.now - start, status < 128 ? status : nil)
    }

    /// The daemon's log.
    var said: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Polls until the condition holds; two minutes are far more than any of them takes.
    func waitUntil(_ what: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(120)
        while try await !condition() {
            guard ContinuousClock.now < end else {
                throw Unexpected("never came true: \(what); dcd said:\n\(said)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
