import Glibc

/// An exclusive lock on a file, for as long as this object lives.
///
/// The kernel lets go of it when the process ends, however it ends, so a lock is never stale. The
/// file holds the owner's process id for messages only.
public final class FileLock: Sendable {
    private let file: OpenFile

    /// Why a lock cannot be had.
    public enum Failure: Error, Hashable, Sendable {
        /// Another process has it; its id, where the file tells.
        case taken(process: Int32?)
        /// The file cannot be made or locked.
        case system(SystemCallError)
    }

    /// Takes the lock, without waiting.
    ///
    /// - Parameters:
    ///   - path: The file, which is made where it is not there; a link is refused.
    ///   - mode: The permissions of a new file, less the process's mask.
    /// - Throws: `Failure`.
    public init(_ path: FilePath, mode: UInt32 = 0o644) throws(Failure) {
        do throws(SystemCallError) {
            file = try OpenFile(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode: mode)
        } catch { throw .system(error) }
        do throws(SystemCallError) {
            try systemCall("flock", path) { [file] in
                flock(file.descriptor, LOCK_EX | LOCK_NB)
            }
        } catch {
            guard error.number == EWOULDBLOCK else { throw .system(error) }
            throw .taken(process: Self.owner(file))
        }
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(file.descriptor, 0)
        _ = unsafe pwrite(file.descriptor, text, text.count, 0)
    }

    deinit {
        // A child that is just being started shares the descriptor until it becomes its program,
        // and with it the lock, unless that is given back first.
        flock(file.descriptor, LOCK_UN)
    }

    private static func owner(_ file: OpenFile) -> Int32? {
        guard let text = try? file.bytes(count: 16) else { return nil }
        return Int32(String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
