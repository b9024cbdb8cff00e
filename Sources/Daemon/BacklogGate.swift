import Synchronization

/// What stands between who finds pictures in the folders and who works off the backlog.
///
/// It wakes the worker when pictures may wait, and holds it back while a comparison may find that new
/// files are moved pictures: until then they must not become pictures of their own.
final class BacklogGate: Sendable {
    private struct State {
        var isShut = false
        var isSent = false
        var waiting: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// Whether the worker is held back.
    var isShut: Bool { state.withLock { $0.isShut } }

    /// Holds the worker back, or lets it go on.
    func set(shut isShut: Bool) {
        state.withLock { $0.isShut = isShut }
    }

    /// Wakes the worker, or its next wait; several times before a wait count once.
    func wake() {
        state.withLock { state in
            if let waiting = state.waiting { waiting.yield() } else { state.isSent = true }
        }
    }

    /// Waits until pictures may wait, at most for `limit`.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    func wait(atMost limit: Duration?) async throws {
        // A stream that is awaited by a cancelled task is over for good, so each wait has its own.
        let stream = stream()
        defer { state.withLock { $0.waiting = nil } }
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

    /// A stream with an element once the worker is woken.
    private func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(
            bufferingPolicy: .bufferingNewest(1))
        state.withLock { state in
            if state.isSent { continuation.yield() } else { state.waiting = continuation }
            state.isSent = false
        }
        return stream
    }
}
