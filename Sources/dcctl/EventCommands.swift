import API
import ArgumentParser
import Client

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Shows what changed in the index.")
    @OptionGroup var options: Options
    @Option(help: "Begin after the event of this number.")
    var after: Int64 = 0
    @Flag(help: "Go on as things happen.")
    var follow = false

    func validate() throws {
        guard after >= 0 else {
            throw ValidationError("--after is \(after): give the number of an event, or 0")
        }
    }

    func run() async throws {
        try await options.run { client in
            let isJSON = options.json
            try await client.events(after: after, follow: follow) { event, line in
                if isJSON {
                    Output.write(line + [UInt8(ascii: "\n")])
                } else {
                    Output.line(event.sentence)
                }
            }
        }
    }
}

struct RescanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rescan", abstract: "Has the folders compared with the index.")
    @OptionGroup var options: Options

    func run() async throws {
        try await options.run { client in
            let answer = try await client.rescan()
            guard !options.json else { return try Output.json(answer) }
            Output.line(
                "The folders are being compared with the index; see what it finds with "
                    + "'dcctl events --after \(answer.sequence) --follow'.")
        }
    }
}

extension Event {
    /// The event in words.
    var sentence: String {
        let what = kind.rawValue.replacing("_", with: " ")
        let path = path.map { " \(Table.printable($0))" } ?? ""
        let more = detail.map { " (\(Table.printable($0)))" } ?? ""
        return "\(sequence) \(time) \(what)\(path)\(more)"
    }
}
