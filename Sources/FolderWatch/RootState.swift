import Files

/// Where a watched folder stands.
struct RootState {
    let path: FilePath
    let exclusions: Exclusions
    /// Whether it is not there.
    var isLost = false
    /// Whether it lies on a network file system and is looked at as a whole instead of being watched.
    var isOnNetwork = false
    /// Which folder it is, while it is there.
    var identity: FolderIdentity?
    /// When to look for it, where it is lost, or at its polled folders, in nanoseconds of the
    /// monotonic clock.
    var nextLook: Int64?
    /// The folders in it that are looked at from time to time, since they cannot be watched.
    private(set) var polled: Set<FilePath> = []

    /// Beyond so many polled folders, the root is polled as a whole.
    private static let polledLimit = 64

    init(_ root: WatchedRoot) {
        (path, exclusions) = (root.path, root.exclusions)
    }

    /// Adds a folder to those that are looked at, or the whole root in place of too many.
    ///
    /// - Returns: The folder that was added; `nil` where it is looked at already.
    mutating func poll(_ folder: FilePath) -> FilePath? {
        if isPolled(folder) { return nil }
        let added = polled.count >= Self.polledLimit ? path : folder
        for below in polled where below.isBelow(added) { polled.remove(below) }
        polled.insert(added)
        return added
    }

    /// No longer looks at a folder.
    mutating func stopPolling(_ folder: FilePath) { polled.remove(folder) }

    /// Forgets a folder and what lies below it.
    mutating func forget(_ folder: FilePath) {
        polled = polled.filter { !$0.isAtOrBelow(folder) }
    }

    /// Takes out the polled folders that lie in a renamed one, with their new paths.
    mutating func takePolled(below former: FilePath, movedTo path: FilePath) -> [FilePath] {
        let moved = polled.filter { $0.isAtOrBelow(former) }
        polled.subtract(moved)
        return moved.map { $0.moved(from: former, to: path) }
    }

    /// Looks at these folders too.
    mutating func addPolled(_ folders: [FilePath]) { polled.formUnion(folders) }

    /// Whether a folder is looked at, by itself or as a part of another.
    func isPolled(_ folder: FilePath) -> Bool {
        polled.contains { folder.isAtOrBelow($0) }
    }
}

/// A folder, whatever its path.
struct FolderIdentity: Equatable {
    let device: UInt64
    let inode: UInt64

    /// The folder that a root's path leads to; `nil` where there is none.
    init?(ofRoot path: FilePath) {
        guard case .folder(let device, let inode) = try? FileKind(at: path.asRoot) else {
            return nil
        }
        (self.device, self.inode) = (device, inode)
    }
}
