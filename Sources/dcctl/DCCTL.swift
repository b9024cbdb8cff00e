import ArgumentParser

@main
struct DCCTL: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dcctl", abstract: "Asks dcd, which clusters the pictures in watched folders.",
        discussion: """
            Exit codes: 0 done, 1 failed or nothing found, 64 wrong usage, 69 no daemon, \
            77 not allowed.
            """,
        subcommands: [
            StatusCommand.self, QueryCommand.self, ImageCommand.self, NeighboursCommand.self,
            ClustersCommand.self, ClusterCommand.self, EventsCommand.self, RescanCommand.self,
        ])

    static func main() async {
        await main(socketLast(Array(CommandLine.arguments.dropFirst())))
    }

    /// The arguments with a `--socket` that stands before the verb moved behind it, where the
    /// verb's parser looks for it: people write it in both places.
    private static func socketLast(_ arguments: [String]) -> [String] {
        guard let first = arguments.first else { return arguments }
        let count = first == "--socket" ? 2 : first.hasPrefix("--socket=") ? 1 : 0
        guard count > 0, arguments.count > count else { return arguments }
        return [arguments[count]] + arguments.prefix(count) + arguments.dropFirst(count + 1)
    }
}
