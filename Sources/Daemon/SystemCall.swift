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

/// An absolute path without links, whether or not something is there.
///
/// A link to a disk that is not mounted gives the same path as when it is, so that a folder is
/// known again by its path. Too many links in a row leave the path as it is then.
package func resolvedPath(_ path: [UInt8]) -> [UInt8] {
    var resolved: [UInt8] = []
    var waiting = Array(path.split(separator: 0x2F).map(Array.init).reversed())
    var links = 0
    while let part = waiting.popLast() {
        if part == [0x2E] { continue }
        if part == [0x2E, 0x2E] {
            resolved = Array(resolved[..<(resolved.lastIndex(of: 0x2F) ?? 0)])
            continue
        }
        let next = resolved + [0x2F] + part
        guard let target = linkTarget(next) else {
            resolved = next
            continue
        }
        links += 1
        guard links <= 40 else { return path }  // the kernel's own limit
        if target.first == 0x2F { resolved = [] }
        waiting += target.split(separator: 0x2F).map(Array.init).reversed()
    }
    return resolved.isEmpty ? [0x2F] : resolved
}

/// What a symbolic link names; nil for anything else.
private func linkTarget(_ path: [UInt8]) -> [UInt8]? {
    let name = path.map { CChar(bitPattern: $0) } + [0]
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe readlink(name, &buffer, buffer.count)
    return count > 0 ? buffer.prefix(count).map { UInt8(bitPattern: $0) } : nil
}
