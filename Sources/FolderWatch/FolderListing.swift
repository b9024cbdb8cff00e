#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// One name in a folder.
struct FolderItem {
    let name: [UInt8]
    /// Whether the directory entry says that it is a folder; nil where it says nothing.
    let isFolder: Bool?
}

/// Reads the names in a folder, in the order of their bytes; the folder is never reached through
/// a symbolic link as its last part.
///
/// - Returns: The names without `.` and `..`, or the error number.
func listFolder(_ path: [UInt8]) -> Result<[FolderItem], SystemError> {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    let descriptor = unsafe withCPath(path) { unsafe open($0, flags) }
    guard descriptor >= 0 else { return .failure(SystemError(code: errno)) }
    guard let stream = unsafe fdopendir(descriptor) else {
        let code = errno
        close(descriptor)
        return .failure(SystemError(code: code))
    }
    defer { unsafe _ = closedir(stream) }
    var items: [FolderItem] = []
    errno = 0
    while let entry = unsafe readdir(stream) {
        let name = unsafe nameBytes(entry)
        if name == [0x2E] || name == [0x2E, 0x2E] { continue }
        let type = unsafe Int(entry.pointee.d_type)
        items.append(
            FolderItem(
                name: name, isFolder: type == Int(DT_UNKNOWN) ? nil : type == Int(DT_DIR)))
        errno = 0
    }
    guard errno == 0 else { return .failure(SystemError(code: errno)) }
    return .success(items.sorted { $0.name.lexicographicallyPrecedes($1.name) })
}

/// An error number of a system call.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The value of `errno`.
    public let code: Int32

    /// The system's words for it.
    public var description: String {
        unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    }
}

private func nameBytes(_ entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
    let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
    let name = unsafe UnsafeRawPointer(entry).advanced(by: offset)
        .assumingMemoryBound(to: CChar.self)
    let count = unsafe strlen(name)
    return unsafe [UInt8](UnsafeRawBufferPointer(start: name, count: count))
}

extension SystemError {
    /// The error of the call that just failed.
    static var last: SystemError { SystemError(code: errno) }

    /// Whether it says that there is nothing at the path.
    public var isAbsence: Bool { code == ENOENT || code == ENOTDIR }
}
