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

    // Shared with every verb, so that these may stand before the verb and after it.
    @OptionGroup var options: Options
}
