package import Model

/// The view that the network wants of one picture, and what else was learnt of it.
package struct DecodedView: Sendable, Equatable {
    /// The width of the picture as shown upright at full size.
    package let width: Int
    /// The height of the picture as shown upright at full size.
    package let height: Int
    /// The view, exactly `[input.height, input.width, 3]`.
    package let pixels: [UInt8]

    /// A view of these parts.
    package init(width: Int, height: Int, pixels: [UInt8]) {
        (self.width, self.height) = (width, height)
        self.pixels = pixels
    }
}

/// Why there is no view of a picture.
package enum DecodeFailure: Error, Equatable, Sendable {
    /// The decoder refused the picture, for this reason.
    case refused(reason: String)
    /// The decoder ended in the middle of the picture.
    case crashed(signal: Int32)
    /// The decoder took longer than it may, and was ended.
    case timedOut(Duration)
    /// No worker could be started, for this reason.
    case unavailable(reason: String)
    /// The pool was shut down before the picture was decoded.
    case closed

    /// Whether the picture is to blame: it would fail again.
    package var isOfPicture: Bool {
        switch self {
        case .refused, .crashed, .timedOut: true
        case .unavailable, .closed: false
        }
    }
}

extension DecodeFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let reason): reason
        case .crashed(let signal):
            signal == 0 ? "the decoder crashed" : "the decoder crashed (signal \(signal))"
        case .timedOut(let deadline):
            "the decoder took longer than \(deadline.components.seconds) s and was ended"
        case .unavailable(let reason): "no decode worker can be started: \(reason)"
        case .closed: "the daemon is shutting down"
        }
    }
}

/// How workers are started and what they are to do.
package struct DecodeWorkerSettings: Sendable {
    /// The program, `dcd` itself unless a test says otherwise.
    package var executable: String
    /// What makes the program a worker.
    package var arguments: [String]
    /// The view that is wanted.
    package var input: InputSpecification
    /// How long one picture may take, from request to answer.
    package var deadline: Duration
    /// Added to the nice value of the workers for the backlog.
    package var niceness: Int32

    /// Workers for the given view.
    package init(
        executable: String = "/proc/self/exe", arguments: [String] = ["decode-worker"],
        input: InputSpecification, deadline: Duration = .seconds(20), niceness: Int32 = 0
    ) {
        self.executable = executable
        self.arguments = arguments
        self.input = input
        self.deadline = deadline
        self.niceness = niceness
    }
}

/// Processes that decode pictures, so that a picture that brings a decoder down costs nothing but
/// itself.
///
/// Requests are served in the order in which they come, urgent ones first; one more worker is
/// kept for urgent requests only, at full priority, so that a query never waits for the backlog. A worker that
/// crashes or takes too long is replaced when the next picture needs it.
package actor DecodeWorkerPool {
    private let workers: [DecodeWorkerSlot]
    private let spare: DecodeWorkerSlot
    private var idle: [DecodeWorkerSlot]
    private var isSpareIdle = true
    private var waiting: [CheckedContinuation<DecodeWorkerSlot?, Never>] = []
    private var waitingUrgently: [CheckedContinuation<DecodeWorkerSlot?, Never>] = []
    private var isClosed = false

    /// A pool that starts its processes when they are first needed.
    ///
    /// - Parameters:
    ///   - count: How many pictures of the backlog are decoded at once, at least 1.
    ///   - settings: The view that is wanted, and what a picture may take.
    package init(workers count: Int, settings: DecodeWorkerSettings) {
        precondition(count > 0, "\(count) decode workers")
        workers = (0..<count).map { _ in DecodeWorkerSlot(settings) }
        var prompt = settings
        prompt.niceness = 0
        spare = DecodeWorkerSlot(prompt)
        idle = workers
    }

    /// A pool of workers that run an executable with the argument `decode-worker`.
    package init(
        executable: String = "/proc/self/exe", workers: Int, input: InputSpecification,
        deadline: Duration = .seconds(20)
    ) {
        self.init(
            workers: workers,
            settings: DecodeWorkerSettings(
                executable: executable, input: input, deadline: deadline))
    }

    /// Decodes a picture.
    ///
    /// - Parameters:
    ///   - descriptor: A regular file, open for reading. It stays the caller's, who keeps it
    ///     open until this returns.
    ///   - isUrgent: Whether somebody is waiting for it.
    /// - Returns: The view and the picture's size.
    /// - Throws: `DecodeFailure`, which tells whether the picture is to blame.
    package func decode(
        descriptor: CInt, isUrgent: Bool = false
    ) async throws(DecodeFailure) -> DecodedView {
        guard let worker = await worker(isUrgent: isUrgent) else { throw .closed }
        defer { release(worker) }
        return try await worker.decode(descriptor)
    }

    /// Ends all workers: idle ones at once, busy ones after two seconds.
    package func shutdown() async {
        isClosed = true
        for request in waiting + waitingUrgently { request.resume(returning: nil) }
        (waiting, waitingUrgently) = ([], [])
        await withTaskGroup(of: Void.self) { group in
            for worker in workers + [spare] {
                group.addTask { await worker.close(grace: .seconds(2)) }
            }
        }
    }

    /// The running processes.
    package var processes: [Int32] { (workers + [spare]).compactMap(\.process) }

    /// Waits for a worker; `nil` when the pool is closed.
    private func worker(isUrgent: Bool) async -> DecodeWorkerSlot? {
        if isClosed { return nil }
        if isUrgent && isSpareIdle {
            isSpareIdle = false
            return spare
        }
        if let worker = idle.popLast() { return worker }
        return await withCheckedContinuation { request in
            if isUrgent { waitingUrgently.append(request) } else { waiting.append(request) }
        }
    }

    private func release(_ worker: DecodeWorkerSlot) {
        if !waitingUrgently.isEmpty {
            waitingUrgently.removeFirst().resume(returning: worker)
        } else if worker === spare {
            isSpareIdle = true
        } else if !waiting.isEmpty {
            waiting.removeFirst().resume(returning: worker)
        } else {
            idle.append(worker)
        }
    }
}
