/// Walks through a folder and everything below it, telling of regular files.
///
/// Symbolic links are never followed, but for the watched folder itself; excluded folders are never opened, and what cannot be read is
/// told, so that a caller does not take it for empty. Memory: the names in one folder, and the
/// folders still to come.
public struct FolderWalk: Sequence, IteratorProtocol {
    /// Something found on the way.
    public enum Element: Sendable, Equatable {
        /// A regular file.
        case file(path: [UInt8], status: FileStatus)
        /// A folder, or a thing in one, that cannot be looked at.
        case unreadable(path: [UInt8], error: SystemError)
    }

    private let root: [UInt8]
    private let exclusions: Exclusions
    private var folders: [[UInt8]]
    private var folder: [UInt8] = []
    private var items: [FolderItem] = []  // reversed, so that the next one is the last

    /// A walk through `folder`, which is the watched folder `root` or lies below it.
    public init(folder: [UInt8], root: [UInt8], exclusions: Exclusions) {
        self.root = root
        self.exclusions = exclusions
        folders = [folder]
    }

    /// The next thing, or nil at the end.
    public mutating func next() -> Element? {
        while true {
            while let item = items.popLast() {
                if let element = visit(item) { return element }
            }
            guard let next = folders.popLast() else { return nil }
            switch listFolder(next == root ? entry(ofRoot: root) : next) {
            case .success(let found):
                folder = next
                items = found.reversed()
            case .failure(let error):
                // Gone since its parent was read: what was in it is no longer there.
                if next != root, error.isAbsence { continue }
                return .unreadable(path: next, error: error)
            }
        }
    }

    private mutating func visit(_ item: FolderItem) -> Element? {
        let path = pathOf(folder, item.name)
        if exclusions.excludes(path, root: root) { return nil }
        if item.isFolder == true {
            folders.append(path)
            return nil
        }
        guard let kind = FileKind(at: path) else {
            let error = SystemError.last
            return error.isAbsence ? nil : .unreadable(path: path, error: error)
        }
        switch kind {
        case .file(let status, _): return .file(path: path, status: status)
        case .folder: folders.append(path)
        case .other: break
        }
        return nil
    }
}
