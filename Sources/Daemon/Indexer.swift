package import API
package import Catalog
package import FolderWatch
package import Logging
import Synchronization

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
package final class Indexer: Sendable {
    /// Pictures that are worked off and stored together.
    static let page = 64

    let catalog: ImageCatalog
    let roots: [WatchedRoot]
    let decoder: any BacklogDecoder
    let embedder: any BacklogEmbedder
    let workers: Int
    let logger: Logger
    let meter = ProgressMeter()
    let files = WorkThread(niceness: BacklogEngine.niceness)
    private let watchSettings: WatchSettings
    private let watcher = Mutex<FolderWatcher?>(nil)
    private let wake = WakeSignal()
    /// Whether a comparison is under way that may find new files to be moved pictures.
    ///
    /// Until it has, they must not become pictures of their own.
    let isComparing = Mutex(false)

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
        (self.catalog, self.roots) = (catalog, roots)
        (self.decoder, self.embedder) = (decoder, embedder)
        (self.workers, self.logger) = (workers, logger)
        self.watchSettings = watchSettings
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
                group.addTask { try await self.follow(watcher.events) }
                group.addTask { try await self.workOff() }
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
        meter.begin(nil)
    }

    /// Compares all folders with the index, after everything that happened so far was followed.
    package func rescan() {
        watcher.withLock { $0 }?.requestRescan()
    }

    /// What was done since the start.
    package var progress: IndexerProgress { meter.progress }

    /// Where watching stands.
    package var watchStatus: WatchStatus { watcher.withLock { $0 }?.status ?? WatchStatus() }

    /// What was done and what remains, as clients are told.
    package func status() async throws -> Status.Progress {
        let state = try await catalog.status()
        var pending = state.counts.pending
        if state.nextModel != nil {
            pending = max(pending, pending + state.counts.indexed - state.nextModelIndexed)
        }
        let progress = progress
        // Every root was compared since the oldest of these times.
        let times = state.roots.map(\.reconciledAt)
        let oldest = times.contains(nil) ? nil : times.compactMap { $0 }.min()
        return Status.Progress(
            done: progress.indexed + progress.failed, pending: pending,
            picturesPerSecond: progress.rate,
            secondsLeft: progress.rate.flatMap { $0 > 0 ? Double(pending) / $0 : nil },
            lastReconciled: oldest.map { Timestamp(milliseconds: $0) },
            overflows: watchStatus.overflows)
    }

    /// Tells that there may be pending pictures.
    func wakeUp() {
        wake.send()
    }

    /// Waits until there may be pending pictures, at most for `limit`.
    func waitForWork(atMost limit: Duration?) async throws {
        // A stream that is awaited by a cancelled task is over for good, so each wait has its own.
        let stream = wake.stream()
        defer { wake.forget() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let limit {
                group.addTask { try await Task.sleep(for: limit) }
            }
            group.addTask { for await _ in stream { return } }
            try await group.next()
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    /// Calls until the disk has room again, with longer and longer waits.
    func whenThereIsRoom<Result: Sendable>(
        _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        var wait = Duration.seconds(1)
        while true {
            do {
                return try await body()
            } catch let error as CatalogError {
                guard case .full = error else { throw error }
                if wait == .seconds(1) { logger.error("\(error)") }
            }
            try await Task.sleep(for: wait)
            wait = min(wait * 2, .seconds(16))
        }
    }
}

/// Wakes the one who waits, or the next one to wait.
private final class WakeSignal: Sendable {
    private struct State {
        var isSent = false
        var waiting: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// Wakes; several times before a wait count once.
    func send() {
        state.withLock { state in
            if let waiting = state.waiting { waiting.yield() } else { state.isSent = true }
        }
    }

    /// A stream with an element once the signal is sent.
    func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(
            bufferingPolicy: .bufferingNewest(1))
        state.withLock { state in
            if state.isSent { continuation.yield() } else { state.waiting = continuation }
            state.isSent = false
        }
        return stream
    }

    /// Ends the wait.
    func forget() {
        state.withLock { $0.waiting = nil }
    }
}
