public import Files

/// Walks through a folder and everything below it, telling of regular files.
///
/// Symbolic links are never followed, but for the watched folder itself; excluded folders are never opened, and what cannot be read is
/// told, so that a caller does not take it for empty. Memory: the names in one folder, and the
/// folders still to come.
public struct FolderWalk: Sequence, IteratorProtocol {
    /// Something found on the way.
    public enum Element: Sendable, Equatable {
        /// A regular file.
        case file(path: FilePath, status: FileIdentity)
        /// A folder, or a thing in one, that cannot be looked at.
        case unreadable(path: FilePath, error: SystemCallError)
    }

    private let root: FilePath
    private let exclusions: Exclusions
    private var folders: [FilePath]
    private var folder: FilePath
    private var items: [Folder.Item] = []  // reversed, so that the next one is the last

    /// A walk through `folder`, which is the watched folder `root` or lies below it.
    public init(folder: FilePath, root: FilePath, exclusions: Exclusions) {
        self.root = root
        self.exclusions = exclusions
        self.folder = folder
        folders = [folder]
    }

    /// The next thing, or nil at the end.
    public mutating func next() -> Element? {
        while true {
            while let item = items.popLast() {
                if let element = visit(item) { return element }
            }
            guard let next = folders.popLast() else { return nil }
            do throws(SystemCallError) {
                items = try Folder.items(of: next == root ? root.asRoot : next).reversed()
                folder = next
            } catch {
                // Gone since its parent was read: what was in it is no longer there.
                if next != root, error.isAbsence { continue }
                return .unreadable(path: next, error: error)
            }
        }
    }

    private mutating func visit(_ item: Folder.Item) -> Element? {
        let path = folder.appending(item.name)
        if exclusions.excludes(path, root: root) { return nil }
        if item.kind == .folder {
            folders.append(path)
            return nil
        }
        do throws(SystemCallError) {
            switch try FileKind(at: path) {
            case .file(let status, _): return .file(path: path, status: status)
            case .folder: folders.append(path)
            case .other: break
            }
            return nil
        } catch {
            return error.isAbsence ? nil : .unreadable(path: path, error: error)
        }
    }
}
