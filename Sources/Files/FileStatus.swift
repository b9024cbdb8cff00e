import Glibc

/// What tells a file, and this content of it, from others.
public struct FileIdentity: Hashable, Sendable {
    /// The device number.
    public var device: UInt64
    /// The inode number.
    public var inode: UInt64
    /// The length in bytes.
    public var size: Int64
    /// The time of the last write, in nanoseconds since 1970.
    public var modified: Int64

    /// An identity with these numbers.
    public init(device: UInt64, inode: UInt64, size: Int64, modified: Int64) {
        (self.device, self.inode, self.size, self.modified) = (device, inode, size, modified)
    }

    /// Whether both describe the same untouched file.
    ///
    /// Device numbers are not compared, since they may change when a disk is mounted again.
    public func isUnchanged(from other: FileIdentity) -> Bool {
        inode == other.inode && size == other.size && modified == other.modified
    }

    /// What lies at a path, if it is a regular file; a link is none.
    public init?(ofFileAt path: FilePath) {
        guard let status = try? FileStatus(of: path), status.kind == .regular else { return nil }
        self = status.identity
    }

    /// How long ago the file was written, in seconds; negative for times to come.
    public var age: Double {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9 - Double(modified) / 1e9
    }
}

/// What the system says of something at a path.
public struct FileStatus: Hashable, Sendable {
    /// What it is.
    public enum Kind: Sendable {
        /// A file with content.
        case regular
        /// A folder.
        case folder
        /// A symbolic link.
        case link
        /// A Unix socket.
        case socket
        /// A pipe or a device.
        case other
    }

    /// What it is.
    public let kind: Kind
    /// Which file it is.
    public let identity: FileIdentity
    /// How many names it has.
    public let links: Int

    /// What lies at a path.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - followingLinks: Whether a link as the last part is followed or is what is meant.
    /// - Throws: `SystemCallError` where nothing can be said.
    public init(of path: FilePath, followingLinks: Bool = false) throws(SystemCallError) {
        var status = stat()
        try systemCall(followingLinks ? "stat" : "lstat", path) {
            unsafe path.withCString {
                unsafe followingLinks ? stat($0, &status) : lstat($0, &status)
            }
        }
        self.init(status)
    }

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .regular
        case S_IFDIR: kind = .folder
        case S_IFLNK: kind = .link
        case S_IFSOCK: kind = .socket
        default: kind = .other
        }
        identity = FileIdentity(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000
                + Int64(status.st_mtim.tv_nsec))
        links = Int(status.st_nlink)
    }

    /// Whether something lies at a path; a link counts for what it leads to.
    public static func exists(at path: FilePath) -> Bool {
        (try? FileStatus(of: path, followingLinks: true)) != nil
    }
}
