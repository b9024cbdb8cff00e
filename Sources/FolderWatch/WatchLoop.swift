import Files
import Glibc

/// The work of the watching thread: reads the kernel's queue, keeps a watch on every folder,
/// waits for files to be quiet, and tells what happened.
///
/// Used by one thread only. While it looks through new folders it goes on reading the queue, so
/// that the kernel's buffer of some 16,000 events has room.
final class WatchLoop {
    private let kernel: KernelEvents
    private let settings: WatchSettings
    private var roots: [RootState]
    private var watches: FolderWatches
    private var settling = SettleQueue()
    private var renames = RenamePairing()
    private var overflows = OverflowBackOff()
    private var outbox: EventOutbox

    init(
        roots: [WatchedRoot], settings: WatchSettings, kernel: KernelEvents,
        channel: EventChannel
    ) {
        (self.kernel, self.settings) = (kernel, settings)
        self.roots = roots.map { RootState($0) }
        watches = FolderWatches(kernel.inotify, limit: settings.watchLimit)
        outbox = EventOutbox(channel)
    }

    /// Watches until it is told to stop.
    ///
    /// - Parameter report: Told after each turn where watching stands.
    func run(report: (WatchStatus) -> Void) {
        for root in roots.indices { watchRoot(root, reason: .started) }
        while true {
            kernel.drain()
            while case let events = kernel.take(), !events.isEmpty {
                for event in events { handle(event) }
                kernel.drain()
            }
            doWhatIsDue(now: KernelEvents.now())
            report(
                WatchStatus(
                    watches: watches.tree.count, polled: roots.flatMap(\.polled).sorted(),
                    overflows: overflows.count))
            outbox.flush()
            let news = kernel.wait(until: nextDeadline)
            if news.mountsChanged { lookAtRoots() }
            for command in news.commands {
                switch command {
                case FolderWatcher.overflowCommand: overflows.note(now: KernelEvents.now())
                case FolderWatcher.rescanCommand: rescanAll(.requested)
                default: return
                }
            }
        }
    }

    /// When something is due, if anything is.
    private var nextDeadline: Int64? {
        let ofRoots = roots.compactMap(\.nextLook).min()
        return [settling.nextDeadline, renames.nextDeadline, overflows.deadline, ofRoots]
            .compactMap { $0 }.min()
    }

    private func doWhatIsDue(now: Int64) {
        for departure in renames.takeOverdue(now: now) { leave(departure) }
        while let (path, entry) = settling.popDue(now: now) { settle(path, entry, now) }
        if overflows.isDue(now: now) { lookThroughAll() }
        for root in roots.indices {
            guard let time = roots[root].nextLook, time <= now else { continue }
            if roots[root].isLost { lookForLost(root, now) } else { lookAtPolled(root, now) }
        }
    }
}

// MARK: - Records of the kernel's queue

extension WatchLoop {
    /// Takes in one record of the kernel's queue.
    private func handle(_ event: InotifyEvent) {
        if event.has(IN_Q_OVERFLOW) { return overflows.note(now: KernelEvents.now()) }
        if event.has(IN_IGNORED) {
            if let root = watches.ended(event.watch) { lose(root) }
            return
        }
        guard let node = watches.tree.nodes[event.watch] else {
            if !watches.isRetired(event.watch) { rescanAll(.confusion) }
            return
        }
        if event.name.isEmpty {
            if node.parent == nil, event.has(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT) {
                lose(node.root)
            } else if event.has(IN_UNMOUNT) {
                let folder = watches.tree.path(of: event.watch)
                outbox.tell(.rescan(folder: folder, reason: .confusion))
            }
            return
        }
        let path = watches.tree.path(of: event.watch).appending(event.name)
        if roots[node.root].exclusions.excludes(path, root: roots[node.root].path) {
            // Renamed to a name that is left out: it is gone for us.
            if event.has(IN_MOVED_TO), let departure = renames.arrive(cookie: event.cookie) {
                leave(departure)
            }
            return
        }
        if event.isFolder {
            folderEvent(event, path, root: node.root)
        } else {
            fileEvent(event, path)
        }
    }

    private func folderEvent(_ event: InotifyEvent, _ path: FilePath, root: Int) {
        let watch = watches.tree.child(of: event.watch, named: event.name)
        if event.has(IN_MOVED_FROM) {
            depart(event, path, watch: watch)
        } else if event.has(IN_MOVED_TO) {
            if let departure = renames.arrive(cookie: event.cookie) {
                folderMoved(departure, to: path, parent: event.watch, name: event.name)
            } else {
                crawl(path, parent: event.watch, root: root, telling: .all)
            }
        } else if event.has(IN_CREATE) {
            crawl(path, parent: event.watch, root: root, telling: .all)
        } else if event.has(IN_DELETE) {
            forget(path)
            outbox.tell(.removed(path: path))
        } else if event.has(IN_ATTRIB), watch == nil {
            // It may be readable only now.
            crawl(path, parent: event.watch, root: root, telling: .all)
        }
    }

    private func fileEvent(_ event: InotifyEvent, _ path: FilePath) {
        if event.has(IN_MOVED_FROM) {
            depart(event, path, watch: nil)
        } else if event.has(IN_MOVED_TO) {
            if let departure = renames.arrive(cookie: event.cookie) {
                settling.cancel(path)
                settling.rename(departure.path, to: path)
                outbox.tell(.moved(from: departure.path, to: path, isFolder: false))
            }
            schedule(path, after: settings.closeSettle)
        } else if event.has(IN_DELETE) {
            settling.cancel(path)
            outbox.tell(.removed(path: path))
        } else if event.has(IN_CLOSE_WRITE) {
            schedule(path, after: settings.closeSettle)
        } else if event.has(IN_CREATE) {
            // A new link to an old file is never closed; a new file is, when its writer is done.
            guard case .file(_, let links) = try? FileKind(at: path) else { return }
            schedule(path, after: links > 1 ? settings.settle : settings.openSettle)
        } else if event.has(IN_ATTRIB), !settling.contains(path) {
            schedule(path, after: settings.settle)
        }
    }
}

// MARK: - Files that settle

extension WatchLoop {
    /// Looks at a file again later; only regular files are of interest.
    private func schedule(_ path: FilePath, after delay: Duration) {
        guard case .file(let identity, _) = try? FileKind(at: path) else { return }
        settling.schedule(
            path, after: delay.inNanoseconds, identity: identity, now: KernelEvents.now())
    }

    /// Called when a file's deadline passes: tells of it if it is unchanged, otherwise waits again.
    private func settle(_ path: FilePath, _ entry: SettleQueue.Entry, _ now: Int64) {
        guard case .file(let identity, _) = try? FileKind(at: path) else { return }
        if identity == entry.identity {
            outbox.tell(.settled(path: path, identity: identity))
        } else {
            settling.schedule(path, after: entry.delay, identity: identity, now: now)
        }
    }

    /// A file that was not touched for a while needs no more than a glance.
    private func scheduleFound(_ path: FilePath, _ identity: FileIdentity) {
        let isOld = identity.age > settings.settle / .seconds(1)
        let delay = isOld ? settings.closeSettle : settings.settle
        settling.schedule(
            path, after: delay.inNanoseconds, identity: identity, now: KernelEvents.now())
    }
}

// MARK: - Renames

extension WatchLoop {
    private func depart(_ event: InotifyEvent, _ path: FilePath, watch: Int32?) {
        renames.depart(
            RenamePairing.Departure(path: path, isFolder: event.isFolder, watch: watch),
            cookie: event.cookie, now: KernelEvents.now())
    }

    /// What was renamed did not turn up again: it lies outside now.
    private func leave(_ departure: RenamePairing.Departure) {
        if departure.isFolder {
            if let watch = departure.watch { watches.end(watch) }
            forget(departure.path)
        } else {
            settling.cancel(departure.path)
        }
        outbox.tell(.removed(path: departure.path))
    }

    private func folderMoved(
        _ departure: RenamePairing.Departure, to path: FilePath, parent: Int32, name: [UInt8]
    ) {
        if let watch = departure.watch, watches.tree.contains(watch) {
            watches.move(watch, to: parent, name: name)
        }
        settling.rename(departure.path, to: path)
        let root = watches.tree.nodes[parent]?.root
        for former in roots.indices {
            let moved = roots[former].takePolled(below: departure.path, movedTo: path)
            roots[root ?? former].addPolled(moved)
        }
        outbox.tell(.moved(from: departure.path, to: path, isFolder: true))
        // What was made in it while its own watch was not yet in place.
        if let root { crawl(path, parent: parent, root: root, telling: .newlyWatched) }
    }

    /// Forgets what was planned for a folder that is gone.
    private func forget(_ folder: FilePath) {
        settling.cancelBelow(folder)
        for root in roots.indices { roots[root].forget(folder) }
    }
}

// MARK: - Looking through folders

extension WatchLoop {
    /// Which files are told of while folders are looked through.
    private enum Telling {
        case all
        case newlyWatched
        case none
    }

    /// Watches a folder and those below it.
    ///
    /// Each is read after its watch is in place, so that nothing made meanwhile is missed.
    private func crawl(_ path: FilePath, parent: Int32?, root: Int, telling: Telling) {
        var stack: [(path: FilePath, parent: Int32?)] = [(path, parent)]
        while let folder = stack.popLast() {
            let isRoot = folder.parent == nil
            let entry = isRoot ? folder.path.asRoot : folder.path
            do throws(FolderWatches.Refusal) {
                let (watch, isNew) = try watches.watch(
                    entry, parent: folder.parent,
                    name: isRoot ? folder.path.bytes : folder.path.name, root: root)
                let tellsFiles = telling == .all || (telling == .newlyWatched && isNew)
                let found = look(through: folder.path, entry, root: root, tellingFiles: tellsFiles)
                stack += found.map { (folder.path.appending($0), watch) }
                kernel.drain()
            } catch {
                switch error {
                case .limit: poll(folder.path, root: root, reason: .watchLimit)
                case .absent: if isRoot { lose(root) }
                }
            }
        }
    }

    /// The names of the folders in a folder; its files are scheduled if they are to be told.
    private func look(
        through folder: FilePath, _ entry: FilePath, root: Int, tellingFiles: Bool
    ) -> [[UInt8]] {
        guard let items = try? Folder.items(of: entry) else { return [] }
        var folders: [[UInt8]] = []
        for item in items {
            let isFolder = item.kind.map { $0 == .folder }
            if isFolder == false && !tellingFiles { continue }
            let path = folder.appending(item.name)
            if roots[root].exclusions.excludes(path, root: roots[root].path) { continue }
            if isFolder == true {
                folders.append(item.name)
                continue
            }
            switch try? FileKind(at: path) {
            case .folder: folders.append(item.name)
            case .file(let identity, _):
                if tellingFiles, !settling.contains(path) { scheduleFound(path, identity) }
            default: break
            }
        }
        return folders
    }

    /// Looks at a folder from time to time from now on, since it cannot be watched.
    private func poll(_ folder: FilePath, root: Int, reason: PollingReason) {
        guard let added = roots[root].poll(folder) else { return }
        if roots[root].nextLook == nil {
            roots[root].nextLook = KernelEvents.now() + settings.pollInterval.inNanoseconds
        }
        outbox.tell(.polling(folder: added, reason: reason))
    }

    /// Asks for a comparison of each polled folder of a root, after trying to watch it again.
    private func lookAtPolled(_ root: Int, _ now: Int64) {
        for folder in roots[root].polled.sorted() {
            if !roots[root].isOnNetwork, watches.hasRoom { watchAgain(folder, root: root) }
            if roots[root].isLost { return }
            outbox.tell(.rescan(folder: folder, reason: .polling))
        }
        roots[root].nextLook =
            roots[root].polled.isEmpty ? nil : now + settings.pollInterval.inNanoseconds
    }

    private func watchAgain(_ folder: FilePath, root: Int) {
        let isRoot = folder == roots[root].path
        let entry = isRoot ? folder.asRoot : folder
        guard case .folder = try? FileKind(at: entry) else {
            return roots[root].stopPolling(folder)
        }
        let parent =
            isRoot
            ? nil
            : watches.watch(at: folder.parent, below: roots[root].path, number: root)
        guard isRoot || parent != nil, watches.canWatch(entry) else { return }
        // One watch less is free for each that fails, so a folder that fails again is not lost:
        // it is polled again, or a part of it is.
        roots[root].stopPolling(folder)
        crawl(folder, parent: parent, root: root, telling: .none)
    }

    /// Looks through everything again after events were lost: folders that were made are watched,
    /// those that are gone are not any more.
    private func lookThroughAll() {
        watches.beginAnew()
        for root in roots.indices where !roots[root].isLost && !roots[root].isOnNetwork {
            crawl(roots[root].path, parent: nil, root: root, telling: .none)
        }
        watches.endStale { folder in roots.contains { $0.isPolled(folder) } }
        rescanAll(.overflow)
    }
}

// MARK: - Roots

extension WatchLoop {
    /// Puts watches on a root and everything below it, then asks for a comparison.
    private func watchRoot(_ root: Int, reason: RescanReason) {
        let path = roots[root].path
        guard let identity = FolderIdentity(ofRoot: path) else {
            roots[root].isLost = true
            outbox.tell(.rootLost(path: path))
            return lookAgainForLost(root)
        }
        roots[root].isLost = false
        roots[root].nextLook = nil
        roots[root].identity = identity
        let kind = MountTable().networkFileSystem(of: path.asRoot)
        roots[root].isOnNetwork = kind != nil
        if let kind {
            poll(path, root: root, reason: .networkFileSystem(kind))
        } else {
            crawl(path, parent: nil, root: root, telling: .none)
        }
        if !roots[root].isLost { outbox.tell(.rescan(folder: path, reason: reason)) }
    }

    /// A root is gone: nothing in it is touched until it is there again.
    private func lose(_ root: Int) {
        stopWatching(root)
        guard !roots[root].isLost else { return }
        roots[root].isLost = true
        outbox.tell(.rootLost(path: roots[root].path))
        lookAgainForLost(root)
    }

    private func stopWatching(_ root: Int) {
        if let node = watches.tree.rootNode(root) { watches.end(node) }
        forget(roots[root].path)
        roots[root].identity = nil
    }

    private func lookAgainForLost(_ root: Int) {
        roots[root].nextLook = KernelEvents.now() + settings.lostInterval.inNanoseconds
    }

    private func lookForLost(_ root: Int, _ now: Int64) {
        if FolderIdentity(ofRoot: roots[root].path) != nil {
            watchRoot(root, reason: .rootFound)
        } else {
            lookAgainForLost(root)
        }
    }

    /// Something was mounted or unmounted: a root may be another folder now.
    private func lookAtRoots() {
        for root in roots.indices {
            let found = FolderIdentity(ofRoot: roots[root].path)
            if found == roots[root].identity { continue }
            if found == nil {
                lose(root)
            } else {
                stopWatching(root)
                watchRoot(root, reason: .rootFound)
            }
        }
    }

    /// Asks for a comparison of every root that is there.
    private func rescanAll(_ reason: RescanReason) {
        for root in roots where !root.isLost {
            outbox.tell(.rescan(folder: root.path, reason: reason))
        }
    }
}

extension Duration {
    var inNanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
