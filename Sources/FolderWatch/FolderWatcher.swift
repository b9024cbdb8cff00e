import Files
import Glibc
import Synchronization

/// Watches folders and everything below them, and tells of files when they are quiet.
///
/// Each folder gets one inotify watch; links are never followed. What the kernel cannot promise is
/// told as `WatchEvent.rescan`: after overflows, for folders beyond the watch limit and on network
/// file systems, and once at the start, when the watches are in place. Watching is an
/// optimization: the truth comes from comparing.
///
/// One thread does the work; it sleeps without a timer while nothing is going on.
public final class FolderWatcher: Sendable {
    /// The events, for one consumer.
    public let events: WatchEvents

    static let stopCommand: UInt8 = 0
    static let overflowCommand: UInt8 = 1
    static let rescanCommand: UInt8 = 2

    private let channel: EventChannel
    private let commands: CommandPipe
    private let thread: Mutex<pthread_t?>
    private let state = StatusBox()

    /// Begins to watch.
    ///
    /// - Parameters:
    ///   - roots: The folders to watch, none inside another. One that is not there is waited for.
    ///   - settings: How to watch.
    /// - Throws: `FolderWatchError` when the kernel gives no descriptor or thread.
    public init(
        roots: [WatchedRoot], settings: WatchSettings = WatchSettings()
    ) throws(FolderWatchError) {
        let inotify = try Inotify()
        let commands = try CommandPipe()
        let (channel, state) = (EventChannel(roots: roots.map(\.path)), state)
        self.commands = commands
        self.channel = channel
        events = WatchEvents(channel: channel)
        let work = ThreadWork {
            WatchLoop(
                roots: roots, settings: settings,
                kernel: KernelEvents(inotify, commands: commands), channel: channel
            ).run { status in state.value.withLock { $0 = status } }
            channel.finish()
        }
        thread = Mutex(try work.start())
    }

    deinit { stop() }

    /// Where watching stands.
    public var status: WatchStatus { state.value.withLock { $0 } }

    /// Ends the watching and the events, and waits for the thread; a second call does nothing.
    public func stop() {
        thread.withLock { thread in
            guard let running = thread else { return }
            commands.send(Self.stopCommand)
            pthread_join(running, nil)
            thread = nil
        }
    }

    /// Asks for a comparison of all roots, told after everything that happened before.
    public func requestRescan() {
        commands.send(Self.rescanCommand)
    }

    /// Acts as if the kernel had dropped events, for tests.
    package func simulateOverflow() {
        commands.send(Self.overflowCommand)
    }
}

/// The status that the thread writes and others read.
private final class StatusBox: Sendable {
    let value = Mutex(WatchStatus())
}

/// A closure that runs in a thread of its own.
///
/// What it captures is used by that thread alone from then on.
private final class ThreadWork {
    private let body: () -> Void

    init(_ body: @escaping () -> Void) {
        self.body = body
    }

    func start() throws(FolderWatchError) -> pthread_t {
        var thread = pthread_t()
        let work = unsafe Unmanaged.passRetained(self)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                let work = unsafe Unmanaged<ThreadWork>.fromOpaque(argument!).takeRetainedValue()
                work.body()
                return nil
            }, work.toOpaque())
        guard code == 0 else {
            unsafe work.release()
            throw .noThread(reason: SystemCallError.message(code))
        }
        return thread
    }
}
