import API
import ArgumentParser
import Client

struct ClustersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clusters", abstract: "Lists the clusters.")
    @OptionGroup var options: Options

    func run() async throws {
        try await options.run { client in
            let clusters = try await client.clusters()
            if options.json {
                for cluster in clusters { try Output.json(cluster) }
            } else {
                var table = Table(["cluster": .right, "pictures": .right, "name": .left])
                for cluster in clusters {
                    table.add("\(cluster.id)", "\(cluster.size)", cluster.name ?? "")
                }
                Output.table(table)
            }
            if clusters.isEmpty { throw ExitCode.failure }
        }
    }
}

struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Lists the pictures of a cluster, the most typical first, or names it.")
    @OptionGroup var options: Options
    @Argument(help: "The cluster's number.")
    var id: Int64
    @Option(help: "Give the cluster this name; an empty one takes its name away.")
    var name: String?
    @Option(name: .shortAndLong, help: "How many pictures to list.")
    var limit = Int.max
    @Flag(name: .customShort("0"), help: "Print paths only, for xargs -0.")
    var zero = false

    func validate() throws {
        guard limit >= 1 else {
            throw ValidationError("--limit is \(limit): give a number from 1")
        }
        guard !(zero && options.json) else {
            throw ValidationError("-0 and --json exclude each other: give one of them")
        }
    }

    func run() async throws {
        try await options.run { client in
            if let name {
                return try show(try await client.rename(cluster: id, to: name))
            }
            let cluster = try await client.cluster(id)
            let images = try await client.images(inCluster: id, limit: limit)
            if options.json {
                for image in images { try Output.json(image) }
            } else if zero {
                Output.paths(images)
            } else {
                try show(cluster)
                Output.table(table(images))
            }
            if images.isEmpty { throw ExitCode.failure }
        }
    }

    private func show(_ cluster: Cluster) throws {
        guard !options.json else { return try Output.json(cluster) }
        let name = cluster.name.map { " (\(Table.printable($0)))" } ?? ""
        Output.line("cluster \(cluster.id)\(name): \(cluster.size) pictures")
    }

    private func table(_ images: [Image]) -> Table {
        var table = Table(["distance": .right, "margin": .right, "id": .right, "path": .left])
        for image in images {
            table.add(
                image.assignment?.distance.rounded(digits: 3) ?? "-",
                image.assignment?.margin?.rounded(digits: 3) ?? "-", "\(image.id)", image.path)
        }
        return table
    }
}
