import Synchronization

/// What the indexer did, and how fast.
package struct IndexerProgress: Sendable, Equatable {
    /// Pictures that got an embedding since the start.
    package var indexed = 0
    /// Pictures that could not be read since the start.
    package var failed = 0
    /// Pictures a second over the last half minute; nil when nothing was done in it.
    package var rate: Double?

    /// Nothing was done yet.
    package init() {}
}

/// Counts what is done, for anyone to see.
final class ProgressMeter: Sendable {
    private struct State {
        var progress = IndexerProgress()
        var recent: [(at: ContinuousClock.Instant, count: Int)] = []
    }

    private static let window = Duration.seconds(30)
    private let state = Mutex(State())

    /// The count and rate at this moment.
    var progress: IndexerProgress {
        state.withLock { state in
            var progress = state.progress
            let now = ContinuousClock.now
            state.recent.removeAll { now - $0.at > Self.window }
            if let first = state.recent.first, state.recent.count > 1 {
                let seconds = (now - first.at) / .seconds(1)
                let count = state.recent.dropFirst().reduce(0) { $0 + $1.count }
                progress.rate = Double(count) / max(seconds, 0.001)
            }
            return progress
        }
    }

    /// Notes what was stored.
    func add(indexed: Int, failed: Int) {
        guard indexed + failed > 0 else { return }
        state.withLock { state in
            state.progress.indexed += indexed
            state.progress.failed += failed
            state.recent.append((.now, indexed + failed))
        }
    }
}
