import ArgumentParser

/// What `run` needs of the engine: models to measure, and a process that measures them.
@main
struct EngineBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine-bench",
        abstract: "Makes, times and profiles int8 models; 'run' drives it.",
        subcommands: [Make.self, Pictures.self, Serve.self, Profile.self, Limits.self])
}
