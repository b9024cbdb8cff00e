import Files
import Glibc

/// The kernel's watches on folders, as the tree that they form.
///
/// Used by the watching thread only.
struct FolderWatches {
    /// Why a folder cannot be watched.
    enum Refusal: Error {
        /// Our own limit or the kernel's is reached.
        case limit
        /// It is not there, or may not be read.
        case absent
    }

    private let inotify: Inotify
    private let limit: Int
    private(set) var tree = WatchTree()
    /// Watches ended by us, until the kernel says so.
    private var retired: Set<Int32> = []
    /// Counts how often everything was looked through again.
    private var generation = 0

    /// No watches yet; `limit` is the most there may be, half of what the kernel allows a user unless
    /// given.
    init(_ inotify: Inotify, limit: Int?) {
        self.inotify = inotify
        self.limit = limit ?? Self.standardLimit
    }

    /// Half of what the kernel allows a user, so that other programs can watch too.
    private static var standardLimit: Int {
        let file = try? OpenFile(reading: "/proc/sys/fs/inotify/max_user_watches")
        let text = (try? file?.remainingBytes()) ?? []
        let digits = text.prefix { $0 != UInt8(ascii: "\n") }
        return Int(String(decoding: digits, as: UTF8.self)).map { $0 / 2 } ?? 4096
    }

    /// Whether one more folder may be watched.
    var hasRoom: Bool { tree.count < limit }

    /// Whether the kernel may still tell of a watch that was ended.
    func isRetired(_ watch: Int32) -> Bool { retired.contains(watch) }

    /// Watches a folder, or puts the watch that it has where it was found now.
    ///
    /// - Parameters:
    ///   - path: Its path, which leads to it even where it is a root behind a link.
    ///   - parent: The folder that it lies in; `nil` for a root.
    ///   - name: Its name there, or a root's whole path.
    ///   - root: The number of the root.
    /// - Returns: The watch, and whether it is new.
    /// - Throws: `Refusal`.
    mutating func watch(
        _ path: FilePath, parent: Int32?, name: [UInt8], root: Int
    ) throws(Refusal) -> (watch: Int32, isNew: Bool) {
        let known = parent.flatMap { tree.child(of: $0, named: name) }
        guard known != nil || hasRoom else { throw .limit }
        switch inotify.add(path) {
        case .failure(let error):
            throw error.number == ENOSPC || error.number == ENOMEM ? .limit : .absent
        case .success(let watch):
            let isNew = !tree.contains(watch)
            if let known, known != watch { end(known) }
            tree.put(watch, parent: parent, name: name, root: root, generation: generation)
            return (watch, isNew)
        }
    }

    /// Whether the kernel would watch a folder now.
    mutating func canWatch(_ path: FilePath) -> Bool {
        guard case .success(let probe) = inotify.add(path) else { return false }
        if !tree.contains(probe) { retire([probe]) }
        return true
    }

    /// Follows a renamed folder; one that was at its new place before is not watched any more.
    mutating func move(_ watch: Int32, to parent: Int32, name: [UInt8]) {
        if let replaced = tree.child(of: parent, named: name), replaced != watch { end(replaced) }
        tree.move(watch, to: parent, name: name)
    }

    /// Ends the watches of a folder and of all below it.
    mutating func end(_ watch: Int32) {
        retire(tree.remove(watch))
    }

    /// Takes note that the kernel has ended a watch; those below it are ended too.
    ///
    /// - Returns: The number of the root, where it was a root's own watch: that is left in place.
    mutating func ended(_ watch: Int32) -> Int? {
        retired.remove(watch)
        guard let node = tree.nodes[watch] else { return nil }
        if node.parent == nil { return node.root }
        retire(tree.remove(watch).filter { $0 != watch })
        return nil
    }

    /// Begins to look through everything again: what `watch` does not find from here on is stale.
    mutating func beginAnew() { generation += 1 }

    /// Ends the watches of folders that were not found again, but for those that `isKept`.
    mutating func endStale(unless isKept: (FilePath) -> Bool) {
        let stale = tree.nodes.filter { $0.value.generation < generation }.map(\.key)
        for watch in stale where tree.contains(watch) && !isKept(tree.path(of: watch)) {
            end(watch)
        }
    }

    /// The watch of a folder below a root.
    func watch(at path: FilePath, below root: FilePath, number: Int) -> Int32? {
        guard var node = tree.rootNode(number) else { return nil }
        let parts = path.bytes.dropFirst(root.bytes.count).split(separator: FilePath.separator)
        for name in parts {
            guard let next = tree.child(of: node, named: Array(name)) else { return nil }
            node = next
        }
        return node
    }

    private mutating func retire(_ watches: [Int32]) {
        for watch in watches {
            retired.insert(watch)
            inotify.remove(watch)
        }
    }
}
