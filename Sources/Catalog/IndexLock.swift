#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The lock that keeps a second daemon off an index: an exclusive `flock` on a file beside it.
///
/// The kernel lets go of it when the process ends, however it ends, so a lock is never stale.
/// The file holds the owner's process id for the message only.
final class IndexLock: Sendable {
    private let descriptor: CInt

    /// Takes the lock for the index at `index`.
    ///
    /// - Throws: `CatalogError.inUse` when another process has it.
    init(beside index: String) throws(CatalogError) {
        let path = index + ".lock"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else {
            throw .system(call: "open", path: path, errno: errno)
        }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            let owner = Self.owner(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else { throw .system(call: "flock", path: path, errno: code) }
            throw .inUse(path: index, process: owner)
        }
        self.descriptor = descriptor
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = unsafe pwrite(descriptor, text, text.count, 0)
    }

    deinit {
        // A child that is just being started shares the descriptor until it becomes its program,
        // and with it the lock, unless that is given back first.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    private static func owner(_ descriptor: CInt) -> Int32? {
        var text = [UInt8](repeating: 0, count: 16)
        let count = unsafe pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: text[..<count].prefix { $0 != 10 }, as: UTF8.self))
    }
}

/// The text of an error number.
func systemMessage(_ code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
