import API
import ArgumentParser
import Client

struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Shows the cluster and the neighbours of any picture.",
        discussion: "The picture's bytes are sent, so the daemon need not be able to read it.")
    @OptionGroup var options: Options
    @Argument(help: "Pictures; - is standard input.")
    var files: [FileArgument]
    @Option(name: .shortAndLong, help: "How many neighbours to show.")
    var limit = 10
    @Flag(name: .customShort("0"), help: "Print the neighbours' paths only, for xargs -0.")
    var zero = false

    func validate() throws {
        guard (1...1000).contains(limit) else {
            throw ValidationError("--limit is \(limit): give a number from 1 to 1000")
        }
        guard !(zero && options.json) else {
            throw ValidationError("-0 and --json exclude each other: give one of them")
        }
    }

    /// The answer about one of several files.
    private struct Line: Encodable {
        let file: String
        let answer: QueryAnswer
    }

    func run() async throws {
        try await options.run { client in
            var isWhole = true
            for (place, file) in files.enumerated() {
                do {
                    let answer = try await client.query(file.contents(), neighbours: limit)
                    if place > 0 && !zero && !options.json { Output.line() }
                    try show(answer, of: file.text)
                } catch let ClientError.problem(problem) where problem.status < 500 {
                    Output.complain("'\(file.text)': \(problem)")
                    isWhole = false
                } catch let error as UnreadableFile {
                    Output.complain("\(error)")
                    isWhole = false
                }
            }
            if !isWhole { throw ExitCode.failure }
        }
    }

    private func show(_ answer: QueryAnswer, of file: String) throws {
        if options.json { return try Output.json(Line(file: file, answer: answer)) }
        if zero { return Output.paths(answer.neighbours) }
        Output.line("\(Table.printable(file)): \(answer.assignment.sentence)")
        guard !answer.neighbours.isEmpty else {
            return Output.line("There are no pictures in the index yet.")
        }
        Output.table(.neighbours(answer.neighbours))
    }
}

extension Assignment {
    /// The assignment in words.
    var sentence: String {
        let name = name.map { " (\(Table.printable($0)))" } ?? ""
        let margin = margin.map { ", margin \($0.rounded(digits: 3))" } ?? ""
        return "cluster \(cluster)\(name), distance \(distance.rounded(digits: 3))\(margin)"
    }
}

extension Table {
    /// Neighbours, nearest first.
    static func neighbours(_ neighbours: [Neighbour]) -> Table {
        var table = Table([
            "rank": .right, "similarity": .right, "cluster": .right, "id": .right, "path": .left,
        ])
        for neighbour in neighbours {
            table.add(
                "\(neighbour.rank)", neighbour.similarity.rounded(digits: 4),
                neighbour.cluster.map { "\($0)" } ?? "-", "\(neighbour.id)", neighbour.path)
        }
        return table
    }
}

extension Double {
    /// The number with some decimals.
    func rounded(digits: Int) -> String {
        let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
        let scaled = Int((abs(self) * Double(scale)).rounded())
        let decimals = String(scale + scaled % scale).dropFirst()
        return (self < 0 && scaled > 0 ? "-" : "") + "\(scaled / scale).\(decimals)"
    }
}
