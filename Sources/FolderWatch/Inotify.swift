#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// One record of the kernel's queue, see inotify(7).
struct InotifyEvent: Equatable {
    let watch: Int32
    let mask: UInt32
    let cookie: UInt32
    let name: [UInt8]

    func has(_ flag: Int32) -> Bool { mask & UInt32(bitPattern: flag) != 0 }
    var isFolder: Bool { mask & 0x4000_0000 != 0 }  // IN_ISDIR
}

/// An inotify descriptor, used by one thread.
final class Inotify {
    let descriptor: CInt
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    /// What is asked for of each folder.
    ///
    /// Writing is seen when it ends, so that a long copy does
    /// not flood the queue; links are never followed, and files that were unlinked are left out.
    private static let mask =
        UInt32(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB)
        | UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)

    init() throws(FolderWatchError) {
        // The flags of inotify_init1 are defined as those of open.
        descriptor = inotify_init1(CInt(O_CLOEXEC | O_NONBLOCK))
        guard descriptor >= 0 else { throw .noInotify(SystemError.last) }
    }

    deinit { close(descriptor) }

    /// Watches a folder; one that is watched already keeps its number.
    func add(_ folder: [UInt8]) -> Result<Int32, SystemError> {
        let watch = unsafe withCPath(folder) {
            unsafe inotify_add_watch(descriptor, $0, Self.mask)
        }
        return watch >= 0 ? .success(watch) : .failure(SystemError.last)
    }

    /// Ends a watch; its last event is `IN_IGNORED`.
    func remove(_ watch: Int32) {
        inotify_rm_watch(descriptor, watch)
    }

    /// The records that are in the queue now, at most about a thousand; empty if there are none.
    func read() -> [InotifyEvent] {
        let capacity = buffer.count
        let count = unsafe buffer.withUnsafeMutableBytes {
            unsafe Glibc.read(descriptor, $0.baseAddress, capacity)
        }
        guard count > 0 else { return [] }
        var events: [InotifyEvent] = []
        var offset = 0
        let header = MemoryLayout<inotify_event>.size
        while offset + header <= count {
            let (watch, mask, cookie, length) = unsafe buffer.withUnsafeBytes { bytes in
                unsafe (
                    bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self),
                    bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self),
                    bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self),
                    bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)
                )
            }
            let name = buffer[offset + header..<offset + header + Int(length)].prefix { $0 != 0 }
            events.append(
                InotifyEvent(watch: watch, mask: mask, cookie: cookie, name: Array(name)))
            offset += header + Int(length)
        }
        return events
    }
}

/// The reasons that folders cannot be watched at all.
public enum FolderWatchError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kernel gives no inotify descriptor.
    case noInotify(SystemError)
    /// A pipe or a thread could not be made.
    case noThread(SystemError)

    /// What is wrong, and the remedy.
    public var description: String {
        switch self {
        case .noInotify(let error):
            "inotify_init1: \(error): raise fs.inotify.max_user_instances or stop other watchers"
        case .noThread(let error):
            "the thread that watches folders cannot start: \(error): raise the limits of processes"
        }
    }
}
