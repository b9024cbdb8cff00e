import CWorker
import Files
import Glibc
import Model
import Synchronization

/// The place of one worker: its thread, and its process while there is one.
///
/// Everything that blocks happens on the slot's own thread, which also starts the process:
/// the kernel ends a worker with the thread that started it.
///
/// `@unchecked Sendable`: `worker` is used on `thread` only, which runs one piece of work at a
/// time; what others may ask for is in `child`.
final class DecodeWorkerSlot: @unchecked Sendable {
    private struct Child {
        var process: pid_t?
        var isClosing = false
    }

    private let settings: DecodeWorkerSettings
    private let thread: WorkThread
    private let child = Mutex(Child())
    private var worker: WorkerConnection?

    init(_ settings: DecodeWorkerSettings) {
        self.settings = settings
        thread = WorkThread(niceness: settings.niceness)
    }

    /// The process, while there is one.
    var process: pid_t? { child.withLock { $0.process } }

    /// Decodes a picture; one at a time.
    func decode(_ picture: CInt) async throws(DecodeFailure) -> DecodedView {
        do {
            return try await thread.run { try self.ask(picture) }
        } catch let failure as DecodeFailure {
            throw failure
        } catch {
            throw .closed
        }
    }

    /// Ends the worker and the thread, after what is under way or when the time is over.
    func close(grace: Duration) async {
        child.withLock { $0.isClosing = true }
        let impatience = Task {
            try await Task.sleep(for: grace)
            end()
        }
        _ = try? await thread.run { self.discard(patience: 500) }
        impatience.cancel()
        await thread.stop()
    }

    private func ask(_ picture: CInt) throws(DecodeFailure) -> DecodedView {
        if child.withLock({ $0.isClosing }) { throw .closed }
        if worker?.isGone == true { discard() }
        let connection = try connected()
        do throws(WorkerConnection.Failure) {
            return try connection.ask(picture, deadline: settings.deadline)
        } catch .refused(let reason) {
            throw .refused(reason: reason)
        } catch .late {
            discard()
            throw .timedOut(settings.deadline)
        } catch {
            let signal = discard(patience: 100)
            throw child.withLock { $0.isClosing } ? .closed : .crashed(signal: signal)
        }
    }

    private func connected() throws(DecodeFailure) -> WorkerConnection {
        if let worker { return worker }
        let connection: WorkerConnection
        do throws(SystemCallError) {
            connection = try WorkerConnection(settings)
        } catch {
            throw .unavailable(reason: "\(error)")
        }
        worker = connection
        child.withLock { $0.process = connection.process }
        guard connection.waitUntilReady(deadline: settings.deadline) else {
            discard()
            throw .unavailable(reason: "\(settings.executable) does not answer as a worker does")
        }
        return connection
    }

    /// Ends the process, which is given some milliseconds to end by itself, and reaps it.
    ///
    /// - Returns: The signal that ended it, or 0.
    @discardableResult
    private func discard(patience: CInt = 0) -> Int32 {
        guard let connection = worker else { return 0 }
        worker = nil
        // From here on nobody else signals the process, whose number may soon be another's.
        child.withLock { $0.process = nil }
        return connection.end(patience: patience)
    }

    /// Ends the process from another thread; the slot's own then finds it gone.
    private func end() {
        child.withLock { child in
            if let process = child.process { kill(process, SIGKILL) }
        }
    }
}
