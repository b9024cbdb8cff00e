#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Files that appear whole or not at all.
///
/// The content goes to a temporary file in the same folder, which is synchronized, renamed
/// over the target and followed by a synchronization of the folder: a crash at any moment
/// leaves the old file or the new one.
public enum DurableFile {
    /// Writes `bytes` to the file at `path`, replacing it.
    public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        try write(to: path) { (file) throws(FileError) in try file.append(bytes) }
    }

    /// Writes the text to the file at `path` as UTF-8, replacing it.
    public static func write(_ text: String, to path: String) throws(FileError) {
        try write(Array(text.utf8), to: path)
    }

    /// Writes what `content` appends to the file at `path`, replacing it.
    package static func write(
        to path: String, content: (borrowing OpenFile) throws(FileError) -> Void
    ) throws(FileError) {
        let (folder, name) = split(path)
        let temporary = "\(folder)/.\(name).\(getpid()).tmp"
        do {
            let file = try OpenFile(creating: temporary)
            try content(file)
            try file.synchronize()
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        guard unsafe rename(temporary, path) == 0 else {
            let error = FileError("rename", path)
            unsafe unlink(temporary)
            throw error
        }
        try synchronizeFolder(folder)
    }

    /// Makes the names in a folder durable.
    package static func synchronizeFolder(_ folder: String) throws(FileError) {
        let descriptor = retryingInterrupts {
            unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard descriptor >= 0 else { throw FileError("open", folder) }
        defer { close(descriptor) }
        guard retryingInterrupts({ fsync(descriptor) }) == 0 else {
            throw FileError("fsync", folder)
        }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }
}

/// A file open for writing, closed when it goes out of scope.
package struct OpenFile: ~Copyable {
    private let descriptor: Int32
    private let path: String

    /// Creates or truncates the file at `path`, with the permissions that the process's mask
    /// leaves of 0666.
    init(creating path: String) throws(FileError) {
        self.path = path
        descriptor = retryingInterrupts {
            unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o666)
        }
        guard descriptor >= 0 else { throw FileError("open", path) }
    }

    deinit { close(descriptor) }

    /// Appends the elements of `array` as they lie in memory.
    package func append<Element: BitwiseCopyable>(_ array: [Element]) throws(FileError) {
        var remaining = array.count * MemoryLayout<Element>.stride
        let size = remaining
        while remaining > 0 {
            let written = unsafe array.withUnsafeBytes { bytes in
                retryingInterrupts {
                    unsafe Glibc.write(
                        descriptor, bytes.baseAddress! + (size - remaining), remaining)
                }
            }
            guard written > 0 else { throw FileError("write", path) }
            remaining -= written
        }
    }

    func synchronize() throws(FileError) {
        guard retryingInterrupts({ fsync(descriptor) }) == 0 else {
            throw FileError("fsync", path)
        }
    }
}
