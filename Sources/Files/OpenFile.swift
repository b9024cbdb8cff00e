import Glibc

/// An open file, closed when nobody uses it any more.
public final class OpenFile: Sendable {
    /// The descriptor, which stays this object's own.
    public let descriptor: Int32
    /// The path it was opened by, for errors.
    public let path: FilePath

    /// Opens something for reading.
    ///
    /// A pipe without a writer does not block; what was opened, `status` tells.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - followingLinks: Whether a link as the last part is followed or refused, with `ELOOP`.
    /// - Throws: `SystemCallError` where it cannot be opened.
    public convenience init(
        reading path: FilePath, followingLinks: Bool = true
    ) throws(SystemCallError) {
        let flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | (followingLinks ? 0 : O_NOFOLLOW)
        try self.init(path, flags)
    }

    /// Creates or empties a file for writing, with the permissions that the process's mask leaves of
    /// 0666; a link is refused.
    package convenience init(creating path: FilePath) throws(SystemCallError) {
        try self.init(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode: 0o666)
    }

    init(_ path: FilePath, _ flags: Int32, mode: mode_t = 0) throws(SystemCallError) {
        self.path = path
        descriptor = try systemCall("open", path) {
            unsafe path.withCString { unsafe open($0, flags, mode) }
        }
    }

    /// Standard input.
    public static func standardInput() throws(SystemCallError) -> OpenFile {
        let path: FilePath = "standard input"
        return OpenFile(
            adopting: try systemCall("fcntl", path) { fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) },
            path: path)
    }

    /// Takes a descriptor that is open already.
    package init(adopting descriptor: Int32, path: FilePath) {
        (self.descriptor, self.path) = (descriptor, path)
    }

    deinit { close(descriptor) }

    /// What the system says of it now.
    public func status() throws(SystemCallError) -> FileStatus {
        var status = stat()
        try systemCall("fstat", path) { unsafe fstat(descriptor, &status) }
        return FileStatus(status)
    }
}

// MARK: - Reading

extension OpenFile {
    /// Reads from a place in the file as much as there is, up to `count` bytes; the file's position is
    /// neither used nor moved.
    public func bytes(at offset: Int = 0, count: Int) throws(SystemCallError) -> [UInt8] {
        var failure: SystemCallError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(SystemCallError) {
                filled = try unsafe read(UnsafeMutableRawBufferPointer(buffer), at: offset)
            } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Fills a buffer from a place in the file.
    ///
    /// - Returns: How many bytes there were: fewer than the buffer takes where the file ends.
    package func read(
        _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(SystemCallError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = try systemCall("read", path) {
                unsafe pread(
                    descriptor, buffer.baseAddress! + done, buffer.count - done,
                    off_t(offset + done))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Reads something that has no size beforehand, such as a pipe or a file of the kernel's, to its
    /// end.
    public func remainingBytes() throws(SystemCallError) -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = try systemCall("read", path) {
                unsafe Glibc.read(descriptor, &buffer, buffer.count)
            }
            if count == 0 { return content }
            content += buffer[..<count]
        }
    }
}

// MARK: - Writing

extension OpenFile {
    /// Appends the elements of `array` as they lie in memory.
    package func append<Element: BitwiseCopyable>(
        _ array: [Element]
    ) throws(SystemCallError) {
        let size = array.count * MemoryLayout<Element>.stride
        var done = 0
        while done < size {
            done += try systemCall("write", path) {
                unsafe array.withUnsafeBytes { bytes in
                    unsafe write(descriptor, bytes.baseAddress! + done, size - done)
                }
            }
        }
    }

    /// Waits until what was written is on the disk.
    package func synchronize() throws(SystemCallError) {
        try systemCall("fsync", path) { fsync(descriptor) }
    }
}
