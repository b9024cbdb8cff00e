#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// What `lstat` tells of a regular file.
public struct FileStatus: Sendable, Hashable {
    /// The device number.
    public let device: UInt64
    /// The inode number.
    public let inode: UInt64
    /// The length in bytes.
    public let size: Int64
    /// The time of the last write, in nanoseconds since 1970.
    public let modified: Int64

    /// A status with these numbers.
    public init(device: UInt64, inode: UInt64, size: Int64, modified: Int64) {
        (self.device, self.inode) = (device, inode)
        (self.size, self.modified) = (size, modified)
    }

    init(_ status: stat) {
        self.init(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000
                + Int64(status.st_mtim.tv_nsec))
    }
}

/// A thing in a folder, as far as this module cares.
enum FileKind: Equatable {
    case file(FileStatus, links: Int)
    case folder(device: UInt64, inode: UInt64)
    case other

    /// What lies at `path`; a symbolic link is `other`.
    ///
    /// Nil, with `errno` set, if nothing can be said.
    init?(at path: [UInt8]) {
        var status = stat()
        let result = unsafe withCPath(path) { unsafe lstat($0, &status) }
        guard result == 0 else { return nil }
        self.init(status)
    }

    /// What a watched folder's path names, through a symbolic link if it is one.
    init?(ofRoot path: [UInt8]) {
        self.init(at: entry(ofRoot: path))
    }

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: self = .file(FileStatus(status), links: Int(status.st_nlink))
        case S_IFDIR:
            self = .folder(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        default: self = .other
        }
    }
}

/// Calls `body` with `path` as a C string.
func withCPath<T>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> T) -> T {
    var bytes = path.map { CChar(bitPattern: $0) }
    bytes.append(0)
    return unsafe bytes.withUnsafeBufferPointer { unsafe body($0.baseAddress!) }
}

/// The path of `name` in `folder`.
func pathOf(_ folder: [UInt8], _ name: [UInt8]) -> [UInt8] {
    folder.last == 0x2F ? folder + name : folder + [0x2F] + name
}

/// Whether `path` lies somewhere below `folder`.
func isBelow(_ path: [UInt8], _ folder: [UInt8]) -> Bool {
    guard path.starts(with: folder), path.count > folder.count else { return false }
    return folder.last == 0x2F || path[folder.count] == 0x2F
}

/// A path that leads to a watched folder even where its own path is a symbolic link: as a part in
/// the middle, a link is followed.
func entry(ofRoot root: [UInt8]) -> [UInt8] {
    root + [0x2F, 0x2E]
}
