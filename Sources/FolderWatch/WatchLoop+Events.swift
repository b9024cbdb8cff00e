import Files
import Glibc

extension WatchLoop {
    /// How long the second half of a rename is waited for.
    ///
    /// The kernel queues both at once, so
    /// only a full read buffer can part them; a file that settles at the old path does so later.
    private static let pairing: Int64 = 20_000_000

    /// Takes in one record of the kernel's queue.
    func handle(_ event: InotifyEvent) {
        if event.has(IN_Q_OVERFLOW) { return overflow() }
        if event.has(IN_IGNORED) { return watchEnded(event.watch) }
        guard let node = tree.nodes[event.watch] else {
            if !retired.contains(event.watch) { rescanAll(.confusion) }
            return
        }
        if event.name.isEmpty {
            if node.parent == nil, event.has(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT) {
                lose(node.root)
            } else if event.has(IN_UNMOUNT) {
                tell(.rescan(folder: tree.path(of: event.watch), reason: .confusion))
            }
            return
        }
        let path = tree.path(of: event.watch).appending(event.name)
        if roots[node.root].exclusions.excludes(path, root: roots[node.root].path) {
            // Renamed to a name that is left out: it is gone for us.
            if event.has(IN_MOVED_TO), let departure = departures.removeValue(forKey: event.cookie)
            {
                leave(departure)
            }
            return
        }
        if event.isFolder {
            folderEvent(event, path, node)
        } else {
            fileEvent(event, path)
        }
    }

    private func folderEvent(_ event: InotifyEvent, _ path: FilePath, _ node: WatchTree.Node) {
        if event.has(IN_MOVED_FROM) {
            depart(event, path, watch: tree.child(of: event.watch, named: event.name))
        } else if event.has(IN_MOVED_TO) {
            if let departure = departures.removeValue(forKey: event.cookie) {
                folderMoved(departure, to: path, parent: event.watch, name: event.name)
            } else {
                crawl(path, parent: event.watch, name: event.name, root: node.root, telling: .all)
            }
        } else if event.has(IN_CREATE) {
            crawl(path, parent: event.watch, name: event.name, root: node.root, telling: .all)
        } else if event.has(IN_DELETE) {
            forget(path)
            tell(.removed(path: path))
        } else if event.has(IN_ATTRIB), tree.child(of: event.watch, named: event.name) == nil {
            // It may be readable only now.
            crawl(path, parent: event.watch, name: event.name, root: node.root, telling: .all)
        }
    }

    private func fileEvent(_ event: InotifyEvent, _ path: FilePath) {
        if event.has(IN_MOVED_FROM) {
            depart(event, path, watch: nil)
        } else if event.has(IN_MOVED_TO) {
            if let departure = departures.removeValue(forKey: event.cookie) {
                settling.cancel(path)
                settling.rename(departure.path, to: path)
                tell(.moved(from: departure.path, to: path, isFolder: false))
            }
            schedule(path, after: settings.closeSettle)
        } else if event.has(IN_DELETE) {
            settling.cancel(path)
            tell(.removed(path: path))
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

    /// Looks at a file again later; only regular files are of interest.
    func schedule(_ path: FilePath, after delay: Duration) {
        guard case .file(let status, _) = try? FileKind(at: path) else { return }
        settling.schedule(path, after: delay.inNanoseconds, status: status, now: Self.now())
    }

    /// The time of a file has come: it is told if it did not change, or waited for again.
    func settle(_ path: FilePath, _ entry: SettleQueue.Entry, _ now: Int64) {
        guard case .file(let status, _) = try? FileKind(at: path) else { return }
        if status == entry.status {
            tell(.settled(path: path, status: status))
        } else {
            settling.schedule(path, after: entry.delay, status: status, now: now)
        }
    }

    private func depart(_ event: InotifyEvent, _ path: FilePath, watch: Int32?) {
        departures[event.cookie] = Departure(
            path: path, isFolder: event.isFolder, watch: watch,
            deadline: Self.now() + Self.pairing)
    }

    /// What was renamed did not turn up again: it lies outside now.
    func leave(_ departure: Departure) {
        if departure.isFolder {
            if let watch = departure.watch { endWatches(watch) }
            forget(departure.path)
        } else {
            settling.cancel(departure.path)
        }
        tell(.removed(path: departure.path))
    }

    private func folderMoved(
        _ departure: Departure, to path: FilePath, parent: Int32, name: [UInt8]
    ) {
        if let watch = departure.watch, tree.contains(watch) {
            if let replaced = tree.child(of: parent, named: name), replaced != watch {
                endWatches(replaced)
            }
            tree.move(watch, to: parent, name: name)
        }
        settling.rename(departure.path, to: path)
        for (folder, root) in polled
        where folder == departure.path || folder.isBelow(departure.path) {
            polled[folder] = nil
            polled[folder.moved(from: departure.path, to: path)] = root
        }
        tell(.moved(from: departure.path, to: path, isFolder: true))
        // What was made in it while its own watch was not yet in place.
        if let root = tree.nodes[parent]?.root {
            crawl(path, parent: parent, name: name, root: root, telling: .newlyWatched)
        }
    }

    /// Forgets what was planned for a folder that is gone.
    func forget(_ folder: FilePath) {
        settling.cancelBelow(folder)
        for path in polled.keys where path == folder || path.isBelow(folder) {
            polled[path] = nil
        }
    }

    private func watchEnded(_ watch: Int32) {
        retired.remove(watch)
        guard let node = tree.nodes[watch] else { return }
        if node.parent == nil {
            lose(node.root)
        } else {
            retire(tree.remove(watch).filter { $0 != watch })
        }
    }

    /// Events are missing: everything is compared, soon, but not again and again.
    func overflow() {
        overflows += 1
        let now = Self.now()
        recentOverflows = now - lastOverflow > 60_000_000_000 ? 1 : recentOverflows + 1
        lastOverflow = now
        if recrawlAt != nil { return }
        // As watchman does since 2026: three at once, then 100 ms, 200 ms … 10 s.
        let steps = min(max(recentOverflows - 4, 0), 7)
        let backOff = min(Int64(100_000_000) << Int64(steps), 10_000_000_000)
        let delay = recentOverflows <= 3 ? 0 : backOff
        recrawlAt = now + delay
    }

    /// Asks for a comparison of every root that is there.
    func rescanAll(_ reason: RescanReason) {
        for root in roots.indices where !lost.contains(root) {
            tell(.rescan(folder: roots[root].path, reason: reason))
        }
    }
}
