import ArgumentParser
import Client
import FoundationEssentials

/// What every verb takes.
struct Options: ParsableArguments {
    @Option(help: "The daemon's socket.")
    var socket: String?

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    /// The daemon on the socket that was named or is usual.
    var client: DaemonClient {
        DaemonClient(
            SocketPlaces(named: socket, environment: ProcessInfo.processInfo.environment))
    }

    /// Runs a verb; what the daemon cannot do is one sentence and an exit code.
    func run(_ body: (DaemonClient) async throws -> Void) async throws {
        do {
            try await body(client)
        } catch let error as ClientError {
            Output.complain("\(error)")
            throw error.exitCode
        }
    }
}

extension ClientError {
    /// The exit code, from sysexits(3) where the two have one for it.
    var exitCode: ExitCode {
        switch self {
        case .notRunning: ExitCode(69)
        case .notAllowed: ExitCode(77)
        case .connectionLost, .unexpectedAnswer, .problem: .failure
        }
    }
}
