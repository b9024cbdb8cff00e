import API
import ArgumentParser
import Client

struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Shows what the index has of a picture.")
    @OptionGroup var options: Options
    @Argument(help: "The picture's path or its id.")
    var picture: FileArgument

    func run() async throws {
        try await options.run { client in
            let image = try await client.image(picture)
            guard !options.json else { return try Output.json(image) }
            Output.line("id        \(image.id)")
            Output.line("path      \(Table.printable(image.path))")
            Output.line("state     \(state(image))")
            if let width = image.width, let height = image.height {
                Output.line("size      \(width) × \(height) pixels, \(image.size) bytes")
            } else {
                Output.line("size      \(image.size) bytes")
            }
            Output.line("modified  \(image.modified)")
            Output.line("seen      \(image.firstSeen)")
            if let time = image.indexedAt { Output.line("indexed   \(time)") }
            if let assignment = image.assignment { Output.line("is in     \(assignment.sentence)") }
        }
    }

    private func state(_ image: Image) -> String {
        let reason = image.error.map { " (\(Table.printable($0)))" } ?? ""
        return image.state.rawValue + reason + (image.offline ? ", its folder is away" : "")
    }
}

struct NeighboursCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbours", abstract: "Shows the nearest pictures of a picture.")
    @OptionGroup var options: Options
    @Argument(help: "The picture's path or its id.")
    var picture: FileArgument
    @Flag(name: .customShort("0"), help: "Print paths only, for xargs -0.")
    var zero = false

    func validate() throws {
        guard !(zero && options.json) else {
            throw ValidationError("-0 and --json exclude each other: give one of them")
        }
    }

    func run() async throws {
        try await options.run { client in
            let id = if let id = picture.id { id } else { try await client.image(picture).id }
            let list = try await client.neighbours(of: id)
            if options.json {
                try Output.json(list)
            } else if zero {
                Output.paths(list.items)
            } else {
                Output.table(.neighbours(list.items))
            }
            if list.items.isEmpty { throw ExitCode.failure }
        }
    }
}

extension FileArgument {
    /// The id that an argument of digits is; a file of such a name is asked for as `./7`.
    var id: Int64? {
        bytes.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
    }
}

extension DaemonClient {
    /// The picture that an argument names.
    func image(_ argument: FileArgument) async throws(ClientError) -> Image {
        if let id = argument.id {
            try await image(id: id)
        } else {
            try await image(at: argument.path)
        }
    }
}
