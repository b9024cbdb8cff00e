import Synchronization

/// Wakes those who wait for new events.
final class EventSignals: Sendable {
    private struct State {
        var next = 0
        var waiting: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    private let state = Mutex(State())

    /// A stream with one element after each change; changes that were not awaited count once.
    func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(
            bufferingPolicy: .bufferingNewest(1))
        let key = state.withLock { state in
            state.next += 1
            state.waiting[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.waiting.removeValue(forKey: key) }
        }
        return stream
    }

    /// Wakes them all.
    func signal() {
        for continuation in state.withLock({ Array($0.waiting.values) }) { continuation.yield() }
    }
}
