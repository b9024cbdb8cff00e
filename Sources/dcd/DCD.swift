import ArgumentParser
import Daemon
import Glibc

@main
enum Program {
    static func main() async {
        // dcd starts itself again to decode pictures; that is nobody else's verb.
        if CommandLine.arguments.dropFirst().first == "decode-worker" {
            exit(DecodeWorker.run())
        }
        await DCD.main()
    }
}

struct DCD: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dcd", abstract: "Clusters the pictures in watched folders.",
        discussion: """
            Serves its index over a Unix socket; ask it with dcctl. Exit codes: 0 stopped, \
            1 failed, 64 wrong usage.
            """,
        version: DaemonService.version)

    @Option(
        help: """
            The configuration file; without it ~/.config/dcd/dcd.yaml, then /etc/dcd/dcd.yaml.
            """)
    var config: String?

    @Flag(help: "Log more.")
    var verbose = false

    func run() async throws {
        do {
            let configuration = try DaemonConfiguration(contentsOf: config)
            try await DaemonService(configuration, verbose: verbose).run()
        } catch {
            DaemonService.complain("\(error)")
            throw ExitCode.failure
        }
    }
}
