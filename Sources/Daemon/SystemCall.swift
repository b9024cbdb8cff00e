#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The text of an error number.
func systemMessage(_ code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}

/// Calls until it is not interrupted by a signal, and throws its error with the call's name.
@discardableResult
func retrying(
    _ call: String, _ path: String, _ body: () -> CInt
) throws(DaemonError) -> CInt {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code != EINTR { throw .system(call: call, path: path, errno: code) }
    }
}

/// An absolute path without links, or the path as it is where it cannot be resolved.
func resolvedPath(_ path: [UInt8]) -> [UInt8] {
    let name = path.map { CChar(bitPattern: $0) } + [0]
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    guard unsafe realpath(name, &buffer) != nil else { return path }
    return buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
}
