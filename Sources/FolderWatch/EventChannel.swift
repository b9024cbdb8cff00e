package import Files
import Synchronization

/// The way of events from the watching thread to the one task that wants them.
///
/// Bounded: when more wait than `limit`, they are replaced by the order to compare each root.
package final class EventChannel: Sendable {
    private struct State {
        var events: [WatchEvent] = []
        var waiter: CheckedContinuation<[WatchEvent]?, Never>?
        var isFinished = false
    }

    /// Events handed over at once, so that a consumer can store them in one transaction.
    package static let batch = 1024

    private let roots: [FilePath]
    private let limit: Int
    private let state = Mutex(State())

    package init(roots: [FilePath], limit: Int = 100_000) {
        (self.roots, self.limit) = (roots, limit)
    }

    package func send(_ events: [WatchEvent]) {
        guard !events.isEmpty else { return }
        let handover = state.withLock {
            state -> (CheckedContinuation<[WatchEvent]?, Never>, [WatchEvent])? in
            guard !state.isFinished else { return nil }
            state.events += events
            if state.events.count > limit { replaceByRescans(&state) }
            guard let waiter = state.waiter else { return nil }
            state.waiter = nil
            return (waiter, take(&state))
        }
        if let (waiter, events) = handover { waiter.resume(returning: events) }
    }

    package func finish() {
        let waiter = state.withLock { state in
            state.isFinished = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }

    /// The events that wait, at least one; nil at the end or when the task is cancelled.
    package func next() async -> [WatchEvent]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> [WatchEvent]?? in
                    if !state.events.isEmpty { return .some(take(&state)) }
                    if state.isFinished || Task.isCancelled { return .some(nil) }
                    state.waiter = continuation
                    return .none
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(returning: nil)
        }
    }

    private func take(_ state: inout State) -> [WatchEvent] {
        let events = Array(state.events.prefix(Self.batch))
        state.events.removeFirst(events.count)
        return events
    }

    private func replaceByRescans(_ state: inout State) {
        state.events.removeAll { event in
            switch event {
            case .rootLost, .polling: false
            default: true
            }
        }
        state.events += roots.map { .rescan(folder: $0, reason: .confusion) }
    }
}

/// The events of a watcher, in batches, for one consumer.
public struct WatchEvents: AsyncSequence, Sendable {
    /// Hands the batches over.
    public struct Iterator: AsyncIteratorProtocol {
        let channel: EventChannel

        /// The next events, at least one and in their order; nil after the watcher stopped or
        /// when the task is cancelled.
        public func next() async -> [WatchEvent]? { await channel.next() }
    }

    let channel: EventChannel

    /// An iterator over the events still to come.
    public func makeAsyncIterator() -> Iterator { Iterator(channel: channel) }
}
