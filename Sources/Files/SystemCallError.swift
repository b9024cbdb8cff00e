import Glibc

/// A system call that failed.
public struct SystemCallError: Error, Hashable, Sendable {
    /// The call, as in `open`.
    public let call: String
    /// The file it was made on.
    public let path: FilePath
    /// The error number it left, as in `ENOENT`.
    public let number: Int32

    /// An error of a call that left the given number.
    public init(_ call: String, _ path: FilePath, number: Int32) {
        (self.call, self.path, self.number) = (call, path, number)
    }

    /// Whether there is nothing at the path.
    public var isAbsence: Bool { number == ENOENT || number == ENOTDIR }

    /// Whether this process or the machine has too many files open.
    public var isLackOfDescriptors: Bool { number == EMFILE || number == ENFILE }

    /// Whether a link was met that was not to be followed.
    public var isLoop: Bool { number == ELOOP }

    /// The system's words for an error number.
    public static func message(_ number: Int32) -> String {
        unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    }
}

extension SystemCallError: CustomStringConvertible {
    /// The file, the reason in the system's words, and the call.
    public var description: String { "\(path): \(Self.message(number)) (\(call))" }
}

/// Makes a system call, again where a signal interrupted it.
///
/// - Parameters:
///   - name: The call, for the error.
///   - path: The file it is made on, for the error.
///   - body: Makes the call, which returns −1 and leaves an error number where it fails.
/// - Returns: What the call returned.
/// - Throws: `SystemCallError` where it failed.
@discardableResult
package func systemCall<Result: SignedInteger>(
    _ name: String, _ path: FilePath, _ body: () -> Result
) throws(SystemCallError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let number = errno
        if number != EINTR { throw SystemCallError(name, path, number: number) }
    }
}
