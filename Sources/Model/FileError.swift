#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A system call on a file that failed.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system call, as in `open`.
    public let call: String
    /// The file it was made on.
    public let path: String
    /// The error number it left.
    public let number: Int32

    /// An error of the call that has just failed.
    ///
    /// The error number is taken from `errno`, so nothing may be called in between.
    public init(_ call: String, _ path: String) {
        self.init(call, path, number: errno)
    }

    /// An error of a call that left the given number.
    public init(_ call: String, _ path: String, number: Int32) {
        self.call = call
        self.path = path
        self.number = number
    }

    /// The file, the reason in the system's words, and the call.
    public var description: String {
        "\(path): \(unsafe String(cString: strerror(number))) (\(call))"
    }
}

/// Repeats a system call that a signal interrupted.
package func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
