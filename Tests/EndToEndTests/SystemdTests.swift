import Foundation
import TestSupport
import Testing

/// The units, and how `dcd` speaks with the one who started it.
@Suite(.serialized)
struct SystemdTests {
    private static let analyze = "/usr/bin/systemd-analyze"
    private static let activate = "/usr/bin/systemd-socket-activate"

    private static func isThere(_ path: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: path)
    }

    // MARK: - Units

    /// A staged install with units as the system's, and the targets that units name.
    private static func stage(_ units: String, in home: TemporaryFolder) throws -> String {
        let stage = home.path("stage")
        let (unitFolder, programs) = (stage + "/usr/lib/systemd/system", stage + "/usr/bin")
        let files = FileManager.default
        for folder in [unitFolder, programs] {
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        try files.copyItem(atPath: Program.dcd.path, toPath: programs + "/dcd")
        for unit in ["dcd.service", "dcd.socket"] {
            try files.copyItem(
                atPath: "\(SharedData.root)/\(units)/\(unit)", toPath: "\(unitFolder)/\(unit)")
        }
        let system = "/usr/lib/systemd/system"
        for unit in try files.contentsOfDirectory(atPath: system) where unit.hasSuffix(".target") {
            try? files.copyItem(atPath: "\(system)/\(unit)", toPath: "\(unitFolder)/\(unit)")
        }
        return stage
    }

    /// The user's units are looked at as if they were the system's: `--user` takes no `--root`.
    @Test(
        .enabled(if: isThere(analyze), "systemd-analyze is absent: install systemd"),
        arguments: ["systemd", "systemd/user"])
    func unitsAreClean(units: String) async throws {
        let home = try TemporaryFolder()
        let stage = try Self.stage(units, in: home)
        let outcome = try await Outcome(
            of: Self.analyze,
            ["verify", "--man=no", "--root=\(stage)", "dcd.service", "dcd.socket"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.isEmpty && outcome.output.isEmpty, "\(outcome.errors)")
    }

    /// The exposure is 1.2 at most; the tool's threshold counts in tenths.
    @Test(.enabled(if: isThere(analyze), "systemd-analyze is absent: install systemd"))
    func theSystemServiceIsConfined() async throws {
        let home = try TemporaryFolder()
        let stage = try Self.stage("systemd", in: home)
        let outcome = try await Outcome(
            of: Self.analyze,
            ["security", "--offline=yes", "--threshold=12", "--root=\(stage)", "dcd.service"])
        #expect(outcome.status == 0, "\(outcome.output.suffix(400))")
    }

    @Test func theExampleNamesKnownKeysOnly() async throws {
        let home = try TemporaryFolder()
        let example = try String(
            contentsOfFile: "\(SharedData.root)/systemd/dcd.yaml", encoding: .utf8)
        // The settings that are comments count too: no blank follows their #.
        let lines = example.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("#") else { return line }
            return line.dropFirst().first?.isLetter == true ? line.dropFirst() : nil
        }
        let text = lines.joined(separator: "\n")
        #expect(text.contains("\nthreads: 2") && text.contains("\nsocket: "))
        let file = try home.write(Array(text.utf8), to: "dcd.yaml")
        let outcome = try await Program.dcd.run(
            "--config", file, environment: ["DCD_MODEL": "/none"])
        #expect(outcome.isOneSentence)
        #expect(outcome.errors.hasPrefix("dcd: /none"), "\(outcome.errors)")
    }

    // MARK: - Notifications

    @Test func systemdHearsEverything() async throws {
        let model = try await TrainedModel.shared()
        let home = try TemporaryFolder()
        let pictures = home.path("pictures")
        try SyntheticPictures.write(0..<5, to: pictures)
        let manager = try FakeManager(path: home.path("notify"))
        let configuration = try RunningDaemon.configuration(
            home: home.path, watching: [pictures], model: model.quantized)
        let daemon = try StartedProgram(
            Program.dcd.path, ["--config", configuration],
            environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"],
            log: home.path("log"))

        #expect(manager.wait { $0.contains("READY=1") }, "\(daemon.said)")
        // Ready means that the socket answers and queries are taken.
        let query = try await Program.dcctl.run(
            "--socket", home.path("dcd.sock"), "query", "\(pictures)/0/picture-3.png")
        #expect(query.status == 0, "\(query.errors)")
        #expect(manager.wait { $0.filter { $0 == "WATCHDOG=1" }.count >= 3 }, "\(daemon.said)")
        #expect(
            manager.wait { $0.contains { $0.hasPrefix("STATUS=") && $0.contains("5 pictures") } },
            "\(manager.lines)")
        #expect(!manager.lines.contains("STOPPING=1"))

        kill(daemon.identifier, SIGTERM)
        #expect(manager.wait { $0.contains("STOPPING=1") }, "\(daemon.said)")
        #expect(await daemon.wait() == 0, "\(daemon.said)")
        let (ready, stopping) = (
            manager.lines.firstIndex(of: "READY=1"), manager.lines.firstIndex(of: "STOPPING=1")
        )
        #expect(try #require(ready) < (try #require(stopping)))
        #expect(!FileManager.default.fileExists(atPath: home.path("dcd.sock")))
    }

    // MARK: - Socket activation

    @Test(.enabled(if: isThere(activate), "systemd-socket-activate is absent: install systemd"))
    func aPassedSocketIsUsed() async throws {
        let model = try await TrainedModel.shared()
        let home = try TemporaryFolder()
        let pictures = home.path("pictures")
        try SyntheticPictures.write(0..<3, to: pictures)
        let configuration = try RunningDaemon.configuration(
            home: home.path, watching: [pictures], model: model.quantized,
            socket: home.path("never.sock"))
        let socket = home.path("passed.sock")
        let daemon = try StartedProgram(
            Self.activate, ["--listen=\(socket)", Program.dcd.path, "--config", configuration],
            environment: [:], log: home.path("log"))
        let files = FileManager.default
        for _ in 0..<500 where !files.fileExists(atPath: socket) {
            try await Task.sleep(for: .milliseconds(20))
        }
        // The first question starts the daemon and waits in the socket until it answers.
        let status = try await Program.dcctl.run("--socket", socket, "status", "--json")
        #expect(status.status == 0, "\(status.errors)\(daemon.said)")
        #expect(!files.fileExists(atPath: home.path("never.sock")))
        kill(daemon.identifier, SIGTERM)
        #expect(await daemon.wait() == 0, "\(daemon.said)")
        #expect(files.fileExists(atPath: socket), "it belongs to the one who passed it")
    }
}

/// A program in the background.
private final class StartedProgram {
    private let process: ChildProcess
    private let log: String

    init(
        _ path: String, _ arguments: [String], environment: [String: String], log: String
    ) throws {
        self.log = log
        process = try ChildProcess(
            path, arguments, environment: environment, output: log, errors: log)
    }

    var identifier: Int32 { process.identifier }
    var said: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Waits for the end and gives the exit status; one that does not come is a kill's.
    func wait() async -> Int32 {
        let end = ContinuousClock.now + .seconds(20)
        while process.isRunning && ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(20))
        }
        if process.isRunning { kill(process.identifier, SIGKILL) }
        return await process.ended()
    }
}

/// A socket for notifications, as systemd has one.
private final class FakeManager {
    let path: String
    private let descriptor: CInt
    private(set) var lines: [String] = []

    init(path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, size)
            }
        }
        guard result == 0 else { throw Unexpected("bind '\(path)': \(errno)") }
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience,
            socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Receives until what was said is enough, or nothing is said for 20 seconds.
    func wait(until isEnough: ([String]) -> Bool) -> Bool {
        var message = [UInt8](repeating: 0, count: 4096)
        while !isEnough(lines) {
            let count = unsafe recv(descriptor, &message, message.count, 0)
            guard count >= 0 else { return false }
            let text = String(decoding: message[..<count], as: UTF8.self)
            lines += text.split(separator: "\n").map(String.init)
        }
        return true
    }
}
