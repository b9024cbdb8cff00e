import CWorker
import Files
import Glibc
import Model

/// The daemon's side of the conversation with one worker process, used by one thread.
///
/// Nothing that a worker says is believed: an answer has to be of the right length, to the
/// right request, and about exactly the view that was asked for.
@safe final class WorkerConnection {
    enum Failure: Error {
        /// The worker says that the picture cannot be decoded.
        case refused(reason: String)
        /// The worker ended, or talks nonsense.
        case lost
        /// The deadline is over.
        case late
    }

    let process: pid_t
    private let socket: CInt
    private let input: InputSpecification
    private let pixels: UnsafeRawBufferPointer
    private var number: UInt64 = 0

    /// Starts a process, with memory that is sized and sealed before the process sees it.
    init(_ settings: DecodeWorkerSettings) throws(SystemCallError) {
        input = settings.input
        let count = input.width * input.height * 3
        let memory = try Self.checked(
            "memfd_create", "the memory for a view", cw_fixed_memory(count))
        defer { close(memory) }
        guard let base = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, memory, 0),
            unsafe base != MAP_FAILED
        else { throw SystemCallError("mmap", "the memory for a view", number: errno) }
        unsafe pixels = UnsafeRawBufferPointer(start: base, count: count)

        let program = FilePath(settings.executable)
        var sockets: [CInt] = [-1, -1]
        do throws(SystemCallError) {
            try Self.checked("socketpair", program, unsafe cw_socketpair(&sockets))
            defer { close(sockets[1]) }
            var setup = cw_setup(
                version: UInt32(CW_VERSION), width: UInt32(input.width),
                height: UInt32(input.height), short_side: UInt32(input.shortSide),
                is_dct: input.decode == .dct ? 1 : 0)
            let size = MemoryLayout<cw_setup>.size
            try Self.checked(
                "sendmsg", program, unsafe cw_send(sockets[0], &setup, size, memory))
            process = try Self.checked(
                "posix_spawn", program, Self.spawn(settings, socket: sockets[1]))
            socket = sockets[0]
        } catch {
            if sockets[0] >= 0 { close(sockets[0]) }
            unsafe munmap(base, count)
            throw error
        }
    }

    deinit {
        close(socket)
        unsafe munmap(UnsafeMutableRawPointer(mutating: pixels.baseAddress), pixels.count)
    }

    /// Whether an idle worker has ended, or has spoken without being asked.
    var isGone: Bool { cw_wait(socket, 0) != 0 }

    /// Waits for the worker's first words.
    func waitUntilReady(deadline: Duration) -> Bool {
        guard let answer = try? receive(until: .now + deadline) else { return false }
        return answer.number == 0 && answer.outcome == CW_READY.rawValue
    }

    /// Has one picture decoded.
    func ask(_ picture: CInt, deadline: Duration) throws(Failure) -> DecodedView {
        let end = ContinuousClock.now + deadline
        number += 1
        var request = cw_request(number: number)
        let size = MemoryLayout<cw_request>.size
        guard unsafe cw_send(socket, &request, size, picture) == 0 else { throw .lost }
        let answer = try receive(until: end)
        guard answer.number == number else { throw .lost }
        let reason = answer.reasonText
        switch cw_outcome(answer.outcome) {
        case CW_REFUSED:
            throw .refused(reason: reason)
        case CW_DECODED:
            guard unsafe answer.bytes == pixels.count,
                (1...UInt32(Int32.max)).contains(answer.width),
                (1...UInt32(Int32.max)).contains(answer.height)
            else { throw .lost }
            return DecodedView(
                width: Int(answer.width), height: Int(answer.height),
                pixels: unsafe [UInt8](pixels))
        default:
            throw .lost
        }
    }

    /// Closes the conversation, upon which a worker ends, and sees to it that it does.
    ///
    /// - Parameter patience: How long it is waited for, in milliseconds, before it is killed.
    /// - Returns: The signal that ended it, or 0.
    func end(patience: CInt) -> Int32 {
        _ = shutdown(socket, CInt(SHUT_RDWR))
        var status: CInt = 0
        if unsafe cw_reap(process, patience, &status) == 0 {
            kill(process, SIGKILL)
            _ = unsafe cw_reap(process, -1, &status)
        }
        return cw_signal_of(status)
    }

    private func receive(until end: ContinuousClock.Instant) throws(Failure) -> cw_answer {
        while true {
            let left = (end - .now) / Duration.milliseconds(1)
            guard left > 0 else { throw .late }
            let ready = cw_wait(socket, CInt(min(left.rounded(.up), 1e9)))
            if ready == 1 { break }
            guard ready == 0 || ready == -EINTR else { throw .lost }
        }
        var answer = cw_answer()
        var descriptor: CInt = -1
        let size = MemoryLayout<cw_answer>.size
        let received = unsafe cw_receive(socket, &answer, size, &descriptor)
        if descriptor >= 0 { close(descriptor) }  // a worker has nothing to give
        guard received == size else { throw .lost }
        return answer
    }

    @discardableResult
    private static func checked(
        _ call: String, _ path: FilePath, _ result: CInt
    ) throws(SystemCallError) -> CInt {
        guard result >= 0 else { throw SystemCallError(call, path, number: -result) }
        return result
    }

    private static func spawn(_ settings: DecodeWorkerSettings, socket: CInt) -> pid_t {
        let words = unsafe ([CW_NAME] + settings.arguments).map { unsafe strdup($0) }
        defer { unsafe words.forEach { unsafe free($0) } }
        return unsafe cw_spawn(settings.executable, words + [nil], socket)
    }
}
