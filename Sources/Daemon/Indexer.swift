package import Catalog
package import FolderWatch
package import Logging
import Synchronization

/// What the routes ask of the indexer.
package protocol FolderIndexing: Sendable {
    /// What was done since the start.
    var progress: IndexerProgress { get }
    /// How often the kernel's queue of changes ran over.
    var overflows: Int { get }
    /// Compares all folders with the index, after everything that happened so far was followed.
    func rescan() async
}

/// Keeps the index equal to the watched folders.
///
/// Two things go on side by side. *Following*: what the watcher tells, and full comparisons where
/// it asks for them, become rows of the catalog: new and touched files are pending there. *Working
/// off*: pending pictures are hashed, decoded by worker processes, embedded and stored, a page at
/// a time, so that memory is bounded whatever waits. Every step is a transaction, and what is not
/// stored is still pending: the process may end at any moment.
///
/// What is in a folder and is no picture by its first bytes is passed over without a word, unless
/// its name says that it is one; formats that are recognized but not read are failures that name
/// the format.
package final class Indexer: FolderIndexing {
    private let catalog: ImageCatalog
    private let roots: [WatchedRoot]
    private let watchSettings: WatchSettings
    private let follower: FolderFollower
    private let worker: BacklogWorker
    private let files = WorkThread(niceness: EmbeddingEngine.backlogNiceness)
    private let watcher = Mutex<FolderWatcher?>(nil)

    /// An indexer of some folders.
    ///
    /// - Parameters:
    ///   - catalog: The index, with the model in use.
    ///   - roots: The folders, none inside another.
    ///   - decoder: What decodes pictures.
    ///   - embedder: What makes their embeddings.
    ///   - workers: How many pictures are in work at once.
    ///   - logger: For changes of state.
    ///   - watchSettings: How to watch.
    package init(
        catalog: ImageCatalog, roots: [WatchedRoot], decoder: any BacklogDecoder,
        embedder: any BacklogEmbedder, workers: Int, logger: Logger,
        watchSettings: WatchSettings = WatchSettings()
    ) {
        precondition(workers > 0, "\(workers) workers")
        (self.catalog, self.roots, self.watchSettings) = (catalog, roots, watchSettings)
        let gate = BacklogGate()
        follower = FolderFollower(
            catalog: catalog,
            comparison: FolderComparison(
                catalog: catalog, roots: roots, files: files, gate: gate, logger: logger),
            gate: gate, logger: logger)
        worker = BacklogWorker(
            catalog: catalog, decoder: decoder, embedder: embedder, workers: workers,
            files: files, gate: gate, meter: ProgressMeter(), logger: logger)
    }

    /// Indexes until the task is cancelled; what is being stored then is finished, what is being
    /// decoded is left.
    ///
    /// - Throws: `FolderWatchError` when nothing can be watched, `CatalogError` when the index
    ///   fails for another reason than a full disk.
    package func run() async throws {
        do {
            try await catalog.setRoots(roots.map(\.path))
        } catch is CancellationError {
            return
        }
        let watcher = try FolderWatcher(roots: roots, settings: watchSettings)
        self.watcher.withLock { $0 = watcher }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [follower] in try await follower.follow(watcher.events) }
                group.addTask { [worker] in try await worker.run() }
                // The first to end, by an error or because all is over, ends the other.
                try await group.next()
                group.cancelAll()
                try await group.waitForAll()
            }
        } catch is CancellationError {
            // As it should be.
        } catch {
            await stop(watcher)
            throw error
        }
        await stop(watcher)
    }

    private func stop(_ watcher: FolderWatcher) async {
        watcher.stop()
        await files.stop()
    }

    package func rescan() {
        watcher.withLock { $0 }?.requestRescan()
    }

    package var progress: IndexerProgress { worker.meter.progress }

    package var overflows: Int { watcher.withLock { $0 }?.status.overflows ?? 0 }
}
