import Files
import Glibc

extension WatchLoop {
    /// Which files are told of while folders are looked through.
    enum Telling {
        case all
        case newlyWatched
        case none
    }

    /// Beyond so many polled folders of one root, the root is polled as a whole.
    private static let polledLimit = 64

    /// Puts watches on a root and everything below it, then asks for a comparison.
    func watchRoot(_ root: Int, reason: RescanReason) {
        let path = roots[root].path
        guard case .folder(let device, let inode) = try? FileKind(at: path.asRoot) else {
            lost.insert(root)
            tell(.rootLost(path: path))
            lookAgainForLost()
            return
        }
        lost.remove(root)
        identities[root] = (device, inode)
        if let kind = MountTable().networkFileSystem(of: path.asRoot) {
            network.insert(root)
            poll(path, root: root, reason: .networkFileSystem(kind))
        } else {
            network.remove(root)
            crawl(path, parent: nil, name: path.bytes, root: root, telling: .none)
        }
        if !lost.contains(root) { tell(.rescan(folder: path, reason: reason)) }
    }

    /// Watches a folder and those below it.
    ///
    /// Each is read after its watch is in place, so that
    /// nothing made meanwhile is missed.
    func crawl(_ path: FilePath, parent: Int32?, name: [UInt8], root: Int, telling: Telling) {
        var stack: [(path: FilePath, parent: Int32?, name: [UInt8])] = [(path, parent, name)]
        while let folder = stack.popLast() {
            let known = folder.parent.flatMap { tree.child(of: $0, named: folder.name) }
            guard known != nil || tree.count < watchLimit else {
                poll(folder.path, root: root, reason: .watchLimit)
                continue
            }
            let entry = folder.parent == nil ? folder.path.asRoot : folder.path
            switch inotify.add(entry) {
            case .failure(let error):
                if error.number == ENOSPC || error.number == ENOMEM {
                    poll(folder.path, root: root, reason: .watchLimit)
                } else if folder.parent == nil {
                    lose(root)
                }
            case .success(let watch):
                let isNew = !tree.contains(watch)
                if let known, known != watch { endWatches(known) }
                tree.put(
                    watch, parent: folder.parent, name: folder.name, root: root,
                    generation: generation)
                let tellsFiles = telling == .all || (telling == .newlyWatched && isNew)
                let found = look(through: folder.path, entry, root: root, tellingFiles: tellsFiles)
                stack += found.map { (folder.path.appending($0), watch, $0) }
                drain()
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
            case .file(let status, _):
                if tellingFiles, !settling.contains(path) { scheduleFound(path, status) }
            default: break
            }
        }
        return folders
    }

    /// A file that was not touched for a while needs no more than a glance.
    private func scheduleFound(_ path: FilePath, _ status: FileIdentity) {
        let isOld = status.age > settings.settle / .seconds(1)
        let delay = isOld ? settings.closeSettle : settings.settle
        settling.schedule(path, after: delay.inNanoseconds, status: status, now: Self.now())
    }

    /// Ends the watches of a folder and of all below it.
    func endWatches(_ watch: Int32) {
        retire(tree.remove(watch))
    }

    func retire(_ watches: [Int32]) {
        for watch in watches {
            retired.insert(watch)
            inotify.remove(watch)
        }
    }

    /// Looks at a folder from time to time from now on, since it cannot be watched.
    private func poll(_ folder: FilePath, root: Int, reason: PollingReason) {
        if nextPoll == nil { nextPoll = Self.now() + settings.pollInterval.inNanoseconds }
        let ofRoot = polled.filter { $0.value == root }.map(\.key)
        if ofRoot.contains(where: { $0 == folder || folder.isBelow($0) }) { return }
        var folder = folder
        if ofRoot.count >= Self.polledLimit { folder = roots[root].path }
        for path in ofRoot where path.isBelow(folder) { polled[path] = nil }
        polled[folder] = root
        tell(.polling(folder: folder, reason: reason))
    }

    /// Asks for a comparison of each polled folder, after trying to watch it again.
    func pollFolders(_ now: Int64) {
        for (folder, root) in polled where !lost.contains(root) {
            if !network.contains(root), tree.count < watchLimit { rewatch(folder, root: root) }
            tell(.rescan(folder: folder, reason: .polling))
        }
        nextPoll = polled.isEmpty ? nil : now + settings.pollInterval.inNanoseconds
    }

    private func rewatch(_ folder: FilePath, root: Int) {
        let entry = folder == roots[root].path ? folder.asRoot : folder
        guard case .folder = try? FileKind(at: entry) else {
            polled[folder] = nil
            return
        }
        // One watch less is free for each that fails, so a folder that fails again is not lost:
        // it is still in `polled`, or a part of it is.
        guard case .success(let probe) = inotify.add(entry) else { return }
        if !tree.contains(probe) { retire([probe]) }
        polled[folder] = nil
        let rootPath = roots[root].path
        if folder == rootPath {
            crawl(folder, parent: nil, name: folder.bytes, root: root, telling: .none)
        } else if let parent = node(at: folder.parent, root: root) {
            crawl(folder, parent: parent, name: folder.name, root: root, telling: .none)
        } else {
            polled[folder] = root
        }
    }

    private func node(at path: FilePath, root: Int) -> Int32? {
        guard var node = tree.rootNode(root) else { return nil }
        for name in path.bytes.dropFirst(roots[root].path.bytes.count).split(
            separator: FilePath.separator)
        {
            guard let next = tree.child(of: node, named: Array(name)) else { return nil }
            node = next
        }
        return node
    }

    /// Looks through everything again after events were lost: folders that were made are watched,
    /// those that are gone are not any more.
    func recrawl() {
        recrawlAt = nil
        generation += 1
        for root in roots.indices where !lost.contains(root) && !network.contains(root) {
            let path = roots[root].path
            crawl(path, parent: nil, name: path.bytes, root: root, telling: .none)
        }
        let stale = tree.nodes.filter { $0.value.generation < generation }.map(\.key)
        for watch in stale where tree.contains(watch) {
            let path = tree.path(of: watch)
            if !polled.keys.contains(where: { path == $0 || path.isBelow($0) }) {
                endWatches(watch)
            }
        }
        rescanAll(.overflow)
    }

    /// A root is gone: nothing in it is touched until it is there again.
    func lose(_ root: Int) {
        if let node = tree.rootNode(root) { endWatches(node) }
        forget(roots[root].path)
        identities[root] = nil
        guard lost.insert(root).inserted else { return }
        tell(.rootLost(path: roots[root].path))
        lookAgainForLost()
    }

    private func lookAgainForLost() {
        nextLostLook = Self.now() + settings.lostInterval.inNanoseconds
    }

    func lookForLostRoots(_ now: Int64) {
        for root in lost {
            if case .folder = try? FileKind(at: roots[root].path.asRoot) {
                watchRoot(root, reason: .rootFound)
            }
        }
        nextLostLook = lost.isEmpty ? nil : now + settings.lostInterval.inNanoseconds
    }

    /// Something was mounted or unmounted: a root may be another folder now.
    func lookAtRoots() {
        for root in roots.indices {
            let found: (device: UInt64, inode: UInt64)?
            if case .folder(let device, let inode) = try? FileKind(at: roots[root].path.asRoot) {
                found = (device, inode)
            } else {
                found = nil
            }
            let known = identities[root]
            if found?.device == known?.device, found?.inode == known?.inode { continue }
            if let node = tree.rootNode(root) { endWatches(node) }
            forget(roots[root].path)
            if found == nil { lose(root) } else { watchRoot(root, reason: .rootFound) }
        }
    }
}
