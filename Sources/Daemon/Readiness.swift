import Synchronization

/// Whether queries are answered, and if not, why.
package final class Readiness: Sendable {
    /// Where the daemon stands.
    package enum State: Sendable, Equatable {
        /// It is not there yet; the text says what it does.
        case starting(String)
        /// It answers queries.
        case ready
        /// It is going away.
        case stopping
    }

    private struct Storage {
        var state: State
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let storage: Mutex<Storage>

    /// A daemon in some state.
    package init(_ state: State) {
        storage = Mutex(Storage(state: state))
    }

    /// The present state.
    package var state: State { storage.withLock { $0.state } }

    /// Goes to another state; one that stops stays there.
    package func change(to state: State) {
        let released = storage.withLock { storage -> [CheckedContinuation<Void, Never>] in
            guard storage.state != .stopping else { return [] }
            storage.state = state
            if case .starting = state { return [] }
            defer { storage.waiting = [] }
            return storage.waiting
        }
        for continuation in released { continuation.resume() }
    }

    /// Waits until the daemon is ready or stopping.
    package func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = storage.withLock { storage in
                guard case .starting = storage.state else { return true }
                storage.waiting.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }
}
