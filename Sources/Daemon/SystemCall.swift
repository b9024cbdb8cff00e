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
