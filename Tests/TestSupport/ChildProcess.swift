public import Foundation
import Synchronization

/// A program that a test started.
///
/// Foundation's `Process` hears of a child's end through a descriptor that other children,
/// started at the same moment, may inherit: then it waits for them as well. A child here
/// inherits nothing but its standard streams, and its end is asked of the system.
public final class ChildProcess: Sendable {
    /// The process id.
    public let identifier: pid_t
    /// The exit status once the child has ended; 128 and the signal's number where one ended it.
    private let status = Mutex<Int32?>(nil)

    /// Starts `path` with an empty standard input.
    ///
    /// - Parameters:
    ///   - path: The program.
    ///   - arguments: Its arguments, without its name.
    ///   - environment: What is added to this process's own environment.
    ///   - output: The file that standard output is appended to, made if need be.
    ///   - errors: The same for standard error.
    /// - Throws: A POSIX error where the program cannot be started.
    public init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:],
        output: String, errors: String
    ) throws {
        var files = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&files)
        defer { unsafe posix_spawn_file_actions_destroy(&files) }
        let append = O_WRONLY | O_CREAT | O_APPEND
        unsafe posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&files, 1, output, append, 0o644)
        unsafe posix_spawn_file_actions_addopen(&files, 2, errors, append, 0o644)
        // Closing what is not open is no error.
        for descriptor in 3..<1024 as Range<Int32> {
            unsafe posix_spawn_file_actions_addclose(&files, descriptor)
        }
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let words = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        let pairs = unsafe variables.map { unsafe strdup("\($0)=\($1)") } + [nil]
        defer { unsafe (words + pairs).forEach { unsafe free($0) } }
        var child: pid_t = 0
        let error = unsafe posix_spawn(&child, path, &files, nil, words, pairs)
        guard error == 0 else {
            throw POSIXError(POSIXErrorCode(rawValue: error) ?? .ENOENT)
        }
        identifier = child
    }

    deinit {
        if isRunning {
            kill(identifier, SIGKILL)
            wait()
        }
    }

    /// The exit status, `nil` while the child runs.
    private func poll() -> Int32? {
        status.withLock { status in
            var word: Int32 = 0
            if status == nil, unsafe waitpid(identifier, &word, WNOHANG) == identifier {
                let signal = word & 0x7F
                status = signal == 0 ? (word >> 8) & 0xFF : 128 + signal
            }
            return status
        }
    }

    /// Whether the child has not ended yet.
    public var isRunning: Bool { poll() == nil }

    /// Waits for the child's end without keeping a thread from other tests.
    ///
    /// - Returns: Its exit status, or 128 and the number of the signal that ended it.
    @discardableResult
    public func ended() async -> Int32 {
        while true {
            if let status = poll() { return status }
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Waits for the child's end, where nothing can be awaited.
    ///
    /// - Returns: Its exit status, or 128 and the number of the signal that ended it.
    @discardableResult
    public func wait() -> Int32 {
        while true {
            if let status = poll() { return status }
            usleep(2000)
        }
    }
}
