import Catalog
import Files
import FolderWatch
import Logging

/// Keeps the catalog's rows equal to what lies in the watched folders.
struct FolderFollower: Sendable {
    let catalog: ImageCatalog
    let comparison: FolderComparison
    let gate: BacklogGate
    let logger: Logger

    /// Turns what the watcher tells into rows of the catalog, in its order, until it stops.
    func follow(_ events: WatchEvents) async throws {
        for await batch in events {
            try await logger.whenThereIsRoom { try await apply(batch) }
            gate.wake()
        }
        try Task.checkCancellation()
    }

    /// Takes in a batch.
    ///
    /// Doing it twice is no harm: a batch is begun anew after a full disk.
    func apply(_ batch: [WatchEvent]) async throws {
        var batch = batch[...]
        let known = try await catalog.roots()
        while let event = batch.first {
            switch event {
            case .settled:
                let settled = run(of: &batch) { event -> FoundFile? in
                    guard case .settled(let path, let status) = event else { return nil }
                    return FoundFile(path: path, identity: status)
                }
                for root in known {
                    let files = settled.filter { $0.path.isBelow(root.path) }
                    if !files.isEmpty { _ = try await catalog.register(files, root: root.id) }
                }
            case .removed:
                let paths = run(of: &batch) { event -> FilePath? in
                    guard case .removed(let path) = event else { return nil }
                    return path
                }
                try await catalog.remove(paths: paths)
            case .rescan:
                let rescans = run(of: &batch) { event -> Rescan? in
                    guard case .rescan(let folder, let reason) = event else { return nil }
                    return Rescan(folder: folder, reason: reason)
                }
                try await comparison.run(Array(Set(rescans)), known)
            case .moved(let from, let to, let isFolder):
                batch = batch.dropFirst()
                try await move(from, to, isFolder: isFolder, known)
            case .polling(let folder, let reason):
                batch = batch.dropFirst()
                logger.warning(
                    "'\(folder)' is looked at every minute instead of being watched",
                    metadata: ["reason": "\(reason)"])
            case .rootLost(let path):
                batch = batch.dropFirst()
                guard let root = known.first(where: { $0.path == path }) else { continue }
                try await comparison.setOffline(root)
            }
        }
    }

    /// Takes the events of one kind off the front.
    private func run<Value>(
        of batch: inout ArraySlice<WatchEvent>, _ value: (WatchEvent) -> Value?
    ) -> [Value] {
        var values: [Value] = []
        while let event = batch.first, let next = value(event) {
            values.append(next)
            batch = batch.dropFirst()
        }
        return values
    }

    private func move(
        _ from: FilePath, _ to: FilePath, isFolder: Bool, _ known: [RootRecord]
    ) async throws {
        guard let root = known.first(where: { to.isBelow($0.path) }) else { return }
        if isFolder {
            try await catalog.moveTree(from: from, to: to, root: root.id)
        } else if let image = try await catalog.image(path: from) {
            // The file is told again once it is quiet; a change meanwhile is found then.
            try await catalog.move(
                image: image.id, to: to, root: root.id, identity: image.identity)
        }
    }
}
