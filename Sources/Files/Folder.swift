import Glibc

/// What is done with whole folders.
public enum Folder {
    /// One name in a folder.
    public struct Item: Sendable {
        /// The name's bytes.
        public let name: [UInt8]
        /// What the folder says that it is; `nil` where it says nothing.
        public let kind: FileStatus.Kind?
    }

    /// The names in a folder without `.` and `..`, in the order of their bytes.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - followingLinks: Whether a link as the last part is followed or refused.
    /// - Returns: The names.
    /// - Throws: `SystemCallError` where the folder cannot be read.
    public static func items(
        of path: FilePath, followingLinks: Bool = false
    ) throws(SystemCallError) -> [Item] {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (followingLinks ? 0 : O_NOFOLLOW)
        let descriptor = try systemCall("open", path) {
            unsafe path.withCString { unsafe open($0, flags) }
        }
        guard let stream = unsafe fdopendir(descriptor) else {
            let number = errno
            close(descriptor)
            throw SystemCallError("fdopendir", path, number: number)
        }
        defer { unsafe _ = closedir(stream) }
        var items: [Item] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            let name = unsafe nameBytes(entry)
            if name != Array(".".utf8), name != Array("..".utf8) {
                items.append(Item(name: name, kind: unsafe kind(Int(entry.pointee.d_type))))
            }
            errno = 0
        }
        guard errno == 0 else { throw SystemCallError("readdir", path, number: errno) }
        return items.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    private static func kind(_ type: Int) -> FileStatus.Kind? {
        switch type {
        case Int(DT_UNKNOWN): nil
        case Int(DT_REG): .regular
        case Int(DT_DIR): .folder
        case Int(DT_LNK): .link
        case Int(DT_SOCK): .socket
        default: .other
        }
    }

    /// The name is as long as it is, not as long as the structure says.
    private static func nameBytes(_ entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
        let name = unsafe UnsafeRawPointer(entry).advanced(by: offset)
            .assumingMemoryBound(to: CChar.self)
        return unsafe [UInt8](UnsafeRawBufferPointer(start: name, count: strlen(name)))
    }
}

// MARK: - Making and removing

extension Folder {
    /// Makes a folder and those above it, where they are not there.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - mode: The permissions of new folders, less the process's mask.
    /// - Returns: Those that it made, inner ones last.
    /// - Throws: `SystemCallError` where one cannot be made.
    @discardableResult
    public static func make(
        _ path: FilePath, mode: UInt32 = 0o777
    ) throws(SystemCallError) -> [FilePath] {
        do throws(SystemCallError) {
            return try makeLast(path, mode) ? [path] : []
        } catch {
            guard error.number == ENOENT, path.parent != path, path.parent != FilePath(".") else {
                throw error
            }
        }
        let above = try make(path.parent, mode: mode)
        return try makeLast(path, mode) ? above + [path] : above
    }

    /// Makes a folder in one that is there; false where it is there already.
    @discardableResult
    package static func makeLast(
        _ path: FilePath, _ mode: UInt32
    ) throws(SystemCallError) -> Bool {
        do throws(SystemCallError) {
            try systemCall("mkdir", path) { unsafe path.withCString { unsafe mkdir($0, mode) } }
            return true
        } catch {
            if error.number == EEXIST { return false }
            throw error
        }
    }

    /// Removes an empty folder.
    package static func remove(_ path: FilePath) throws(SystemCallError) {
        try systemCall("rmdir", path) { unsafe path.withCString { unsafe rmdir($0) } }
    }
}
