import Files
import Glibc

/// What the watching thread waits for: the kernel's queue, commands of other threads, and mounts.
final class KernelEvents {
    /// What has come besides records of the queue.
    struct News {
        var commands: [UInt8] = []
        /// Something was mounted or unmounted.
        var mountsChanged = false
    }

    let inotify: Inotify
    private let commands: CommandPipe
    private let mounts = try? OpenFile(reading: MountTable.path)
    private var backlog: [InotifyEvent] = []

    init(_ inotify: Inotify, commands: CommandPipe) {
        (self.inotify, self.commands) = (inotify, commands)
    }

    /// Empties the kernel's queue into our own.
    func drain() {
        while true {
            let events = inotify.read()
            if events.isEmpty { return }
            backlog += events
        }
    }

    /// The records that were read and not taken yet.
    func take() -> [InotifyEvent] {
        defer { backlog = [] }
        return backlog
    }

    /// Sleeps until something happens, or until a time.
    func wait(until deadline: Int64?) -> News {
        var timeout: CInt = -1
        if let deadline {
            let milliseconds = max(0, (deadline - Self.now() + 999_999) / 1_000_000)
            timeout = CInt(min(milliseconds, 3_600_000))
        }
        let (hasCommands, mountsChanged) = inotify.wait(
            for: commands, mounts: mounts, atMost: timeout)
        var news = News(mountsChanged: mountsChanged)
        while hasCommands, let command = commands.receive() { news.commands.append(command) }
        return news
    }

    /// Nanoseconds of the monotonic clock.
    static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
