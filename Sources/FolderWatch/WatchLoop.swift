import Files
import Glibc

/// The work of the watching thread: reads the kernel's queue, keeps a watch on every folder,
/// waits for files to be quiet, and tells what happened.
///
/// Used by one thread only. While it looks through new folders it goes on reading the queue, so
/// that the kernel's buffer of some 16,000 events has room.
final class WatchLoop {
    /// A rename whose second half was not read yet.
    struct Departure {
        let path: FilePath
        let isFolder: Bool
        let watch: Int32?
        let deadline: Int64
    }

    let roots: [WatchedRoot]
    let settings: WatchSettings
    let inotify: Inotify
    var tree = WatchTree()
    var settling = SettleQueue()
    var departures: [UInt32: Departure] = [:]
    var retired: Set<Int32> = []  // watches ended by us, until the kernel says so
    var polled: [FilePath: Int] = [:]  // folder → root
    var network: Set<Int> = []
    var lost: Set<Int> = []
    var identities: [Int: (device: UInt64, inode: UInt64)] = [:]
    var nextPoll: Int64?
    var nextLostLook: Int64?
    var recrawlAt: Int64?
    var recentOverflows = 0
    var lastOverflow: Int64 = 0
    var overflows = 0
    var generation = 0
    let watchLimit: Int

    private var backlog: [InotifyEvent] = []
    private var told: [WatchEvent] = []
    private let channel: EventChannel
    private let commands: CommandPipe
    private let mounts: OpenFile?
    private let report: (WatchStatus) -> Void

    init(
        roots: [WatchedRoot], settings: WatchSettings, inotify: Inotify, commands: CommandPipe,
        channel: EventChannel, report: @escaping (WatchStatus) -> Void
    ) {
        (self.roots, self.settings, self.inotify) = (roots, settings, inotify)
        (self.commands, self.channel, self.report) = (commands, channel, report)
        watchLimit = settings.watchLimit ?? Self.standardLimit
        mounts = try? OpenFile(reading: MountTable.path)
    }

    /// Half of what the kernel allows a user, so that other programs can watch too.
    private static var standardLimit: Int {
        let file = try? OpenFile(reading: "/proc/sys/fs/inotify/max_user_watches")
        let text = (try? file?.remainingBytes()) ?? []
        let digits = text.prefix { $0 != UInt8(ascii: "\n") }
        return Int(String(decoding: digits, as: UTF8.self)).map { $0 / 2 } ?? 4096
    }

    /// Watches until it is told to stop.
    func run() {
        for root in roots.indices { watchRoot(root, reason: .started) }
        while true {
            drain()
            while !backlog.isEmpty {
                let events = backlog
                backlog = []
                for event in events { handle(event) }
                drain()
            }
            doWhatIsDue(now: Self.now())
            flush()
            if waitForNews() { return }
        }
    }

    /// Says what happened; it reaches the consumer at the end of the turn or in large batches.
    func tell(_ event: WatchEvent) {
        told.append(event)
        if told.count >= EventChannel.batch { flush() }
    }

    private func flush() {
        channel.send(told)
        told.removeAll(keepingCapacity: true)
        report(
            WatchStatus(
                watches: tree.count,
                polled: polled.keys.sorted(),
                lost: lost.sorted().map { roots[$0].path }, overflows: overflows,
                settling: settling.count))
    }

    /// Empties the kernel's queue into our own.
    func drain() {
        while true {
            let events = inotify.read()
            if events.isEmpty { return }
            backlog += events
        }
    }

    private func doWhatIsDue(now: Int64) {
        for (cookie, departure) in departures where departure.deadline <= now {
            departures[cookie] = nil
            leave(departure)
        }
        while let (path, entry) = settling.popDue(now: now) { settle(path, entry, now) }
        if let time = recrawlAt, time <= now { recrawl() }
        if let time = nextPoll, time <= now { pollFolders(now) }
        if let time = nextLostLook, time <= now { lookForLostRoots(now) }
    }

    /// Sleeps until something happens or is due.
    ///
    /// - Returns: Whether to stop.
    private func waitForNews() -> Bool {
        let departure = departures.values.map(\.deadline).min()
        let times = [settling.nextDeadline, departure, recrawlAt, nextPoll, nextLostLook]
        var timeout: CInt = -1
        if let next = times.compactMap({ $0 }).min() {
            let milliseconds = max(0, (next - Self.now() + 999_999) / 1_000_000)
            timeout = CInt(min(milliseconds, 3_600_000))
        }
        let news = inotify.wait(for: commands, mounts: mounts, atMost: timeout)
        if news.mountsChanged { lookAtRoots() }
        guard news.hasCommands else { return false }
        while let command = commands.receive() {
            switch command {
            case FolderWatcher.overflowCommand: overflow()
            case FolderWatcher.rescanCommand: rescanAll(.requested)
            default: return true
            }
        }
        return false
    }

    static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    var inNanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
