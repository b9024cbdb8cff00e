import ArgumentParser
import Model

/// The `dctrain` program: arguments in, one library call, an exit code out.
///
/// ArgumentParser ends with 64 on wrong usage and with 1 when a command throws; a command that
/// was interrupted throws `ExitCode(130)`.
@main
struct DCTrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dctrain",
        abstract: "Learns a visual vocabulary from unlabelled pictures.",
        version: ProgramVersion.number,
        subcommands: [
            Fit.self, Import.self, Export.self, Cluster.self, Quantize.self, Embed.self,
            Evaluate.self, ReportCommand.self, Visualize.self, Info.self,
        ])
}
