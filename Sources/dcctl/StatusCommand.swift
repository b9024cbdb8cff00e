import API
import ArgumentParser
import Client

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows what the daemon is doing.")
    @OptionGroup var options: Options

    @Flag(
        help: """
            Have the folders compared with the index, and wait until that is done and no picture waits.
            """)
    var wait = false

    func run() async throws {
        try await options.run { client in
            let status = try await wait ? whenDone(client) : client.status()
            guard !options.json else { return try Output.json(status) }
            Output.line(
                "dcd \(status.version), process \(status.pid), since \(status.started): "
                    + status.activity)
            Output.line("model     \(status.model.prefix(16)), \(status.clusters) clusters")
            Output.line("index     \(Table.printable(status.index))")
            Output.line("pictures  \(pictures(status.images))")
            Output.line("progress  \(progress(status.progress))")
            var table = Table(["folder is": .left, "folder": .left])
            for root in status.roots {
                table.add(root.online ? "watched" : "away", root.path)
            }
            Output.line()
            Output.table(table)
        }
    }

    /// The status once all that lies in the folders now is in the index.
    private func whenDone(_ client: DaemonClient) async throws -> Status {
        let before = try await client.status().progress.lastReconciled
        _ = try await client.rescan()
        defer { Output.endProgress() }
        while true {
            let status = try await client.status()
            // A folder that is not there is not compared.
            let isCompared =
                status.roots.allSatisfy { !$0.online }
                || status.progress.lastReconciled.map { $0 != before } ?? false
            if status.ready, isCompared, status.progress.pending == 0 { return status }
            Output.showProgress(pictures(status.images))
            try await Task.sleep(for: .milliseconds(300))
        }
    }

    private func pictures(_ counts: Status.ImageCounts) -> String {
        let offline = counts.offline > 0 ? ", \(counts.offline) in folders that are away" : ""
        return "\(counts.indexed) indexed, \(counts.pending) waiting, \(counts.failed) failed"
            + offline
    }

    private func progress(_ progress: Status.Progress) -> String {
        var text = "\(progress.done) since the start"
        if let rate = progress.picturesPerSecond, progress.pending > 0 {
            text += ", \(Int(rate.rounded())) a second"
        }
        if let left = progress.secondsLeft, progress.pending > 0 {
            text += ", \(Int(left.rounded(.up))) s left"
        }
        if let time = progress.lastReconciled {
            text += "; folders compared \(time)"
        }
        return progress.overflows > 0 ? text + ", \(progress.overflows) overflows" : text
    }
}
