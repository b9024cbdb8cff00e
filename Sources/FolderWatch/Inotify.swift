import Files
import Glibc

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
        do throws(SystemCallError) {
            descriptor = try systemCall("inotify_init1", "") {
                inotify_init1(CInt(O_CLOEXEC | O_NONBLOCK))
            }
        } catch { throw .noInotify(reason: SystemCallError.message(error.number)) }
    }

    deinit { close(descriptor) }

    /// Watches a folder; one that is watched already keeps its number.
    func add(_ folder: FilePath) -> Result<Int32, SystemCallError> {
        Result { () throws(SystemCallError) in
            try systemCall("inotify_add_watch", folder) {
                unsafe folder.withCString { unsafe inotify_add_watch(descriptor, $0, Self.mask) }
            }
        }
    }

    /// Ends a watch; its last event is `IN_IGNORED`.
    func remove(_ watch: Int32) {
        inotify_rm_watch(descriptor, watch)
    }

    /// Sleeps until the queue, the pipe or the mounts have news.
    ///
    /// - Parameters:
    ///   - commands: The pipe.
    ///   - mounts: The kernel's table of mounts, which says when it changes.
    ///   - milliseconds: How long at most; −1 is for ever.
    /// - Returns: Whether there are commands, and whether the mounts have changed.
    func wait(
        for commands: CommandPipe, mounts: OpenFile?, atMost milliseconds: CInt
    ) -> (hasCommands: Bool, mountsChanged: Bool) {
        var descriptors = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: commands.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: mounts?.descriptor ?? -1, events: Int16(POLLPRI), revents: 0),
        ]
        guard unsafe poll(&descriptors, nfds_t(descriptors.count), milliseconds) > 0 else {
            return (false, false)
        }
        return (
            descriptors[1].revents != 0, descriptors[2].revents & Int16(POLLPRI) != 0
        )
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

/// A pipe through which other threads tell the watching one what to do, a byte at a time.
final class CommandPipe: Sendable {
    fileprivate let reading: CInt
    private let writing: CInt

    init() throws(FolderWatchError) {
        var ends: [CInt] = [0, 0]
        guard unsafe pipe(&ends) == 0 else {
            throw .noThread(reason: SystemCallError.message(errno))
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    func send(_ command: UInt8) {
        var command = command
        unsafe _ = write(writing, &command, 1)
    }

    /// The next command; nil where none waits.
    func receive() -> UInt8? {
        var command: UInt8 = 0
        return unsafe Glibc.read(reading, &command, 1) == 1 ? command : nil
    }
}

/// The reasons that folders cannot be watched at all.
public enum FolderWatchError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kernel gives no inotify descriptor.
    case noInotify(reason: String)
    /// A pipe or a thread could not be made.
    case noThread(reason: String)

    /// What is wrong, and the remedy.
    public var description: String {
        switch self {
        case .noInotify(let reason):
            "inotify_init1: \(reason): raise fs.inotify.max_user_instances or stop other watchers"
        case .noThread(let reason):
            "the thread that watches folders cannot start: \(reason): raise the limits of processes"
        }
    }
}
