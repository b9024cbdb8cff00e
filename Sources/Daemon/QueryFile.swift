import API
import CWorker
import NIOCore

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The picture of a query as an open file, which is what a decode worker takes.
struct QueryFile {
    let descriptor: CInt

    /// The bytes of a request's body, in memory.
    init(bytes: ByteBuffer) throws {
        guard bytes.readableBytes > 0 else {
            throw Problem(
                .badRequest, "the request has no body", hint: "send the bytes of a picture")
        }
        let view = bytes.readableBytesView
        let result = unsafe view.withUnsafeBytes { buffer in
            unsafe cw_constant_memory(buffer.baseAddress, buffer.count)
        }
        guard result >= 0 else {
            throw DaemonError.system(call: "memfd_create", path: "query", errno: -result)
        }
        descriptor = result
    }

    /// A picture that the daemon may read itself: a regular file inside a watched folder.
    init(path: PicturePath, roots: [[UInt8]]) throws {
        guard path.bytes.first == UInt8(ascii: "/"), !path.bytes.contains(0) else {
            throw Problem(
                .badRequest, "'\(path.display)' is not an absolute path",
                hint: "give one that starts with a slash")
        }
        // Other paths are not even looked up, so that nobody learns what exists.
        guard !path.bytes.split(separator: 0x2F).contains([0x2E, 0x2E]),
            roots.contains(where: { Self.isInside(path.bytes, $0) })
        else { throw Self.notWatched(path) }
        // A device or a pipe would block or act when opened.
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let name = path.bytes.map { CChar(bitPattern: $0) } + [0]
        let opened = unsafe open(name, flags)
        guard opened >= 0 else { throw Self.problem(path, errno) }
        descriptor = opened
        do {
            try check(path, roots)
        } catch {
            close()
            throw error
        }
    }

    /// Closes the file.
    func close() {
        #if canImport(Glibc)
        _ = Glibc.close(descriptor)
        #else
        _ = Musl.close(descriptor)
        #endif
    }

    /// Whether the file that was opened is regular and lies in a watched folder.
    ///
    /// The kernel is asked where the open file lies, so that links on the way change nothing.
    private func check(_ path: PicturePath, _ roots: [[UInt8]]) throws {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Problem(
                .notAPicture, "'\(path.display)' is not a regular file",
                hint: "name a picture file")
        }
        let real = Self.target(of: "/proc/self/fd/\(descriptor)") ?? []
        guard roots.contains(where: { Self.isInside(real, resolvedPath($0)) }) else {
            throw Self.notWatched(path)
        }
    }

    private static func isInside(_ path: [UInt8], _ folder: [UInt8]) -> Bool {
        path.starts(with: folder == [0x2F] ? folder : folder + [0x2F])
    }

    /// What a symbolic link says.
    private static func target(of link: String) -> [UInt8]? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink(link, &buffer, buffer.count)
        return count < 0 ? nil : buffer[..<count].map { UInt8(bitPattern: $0) }
    }

    private static func notWatched(_ path: PicturePath) -> Problem {
        Problem(
            .notWatched, "'\(path.display)' is in no watched folder",
            hint: "send the picture's bytes instead")
    }

    private static func problem(_ path: PicturePath, _ code: Int32) -> Problem {
        switch code {
        case ENOENT, ENOTDIR:
            Problem(
                .notFound, "there is no file '\(path.display)'",
                hint: "check the path, or send the picture's bytes")
        case ELOOP:
            Problem(
                .notWatched, "'\(path.display)' is a symbolic link", hint: "name the file itself")
        default:
            Problem(
                .notWatched,
                "the daemon cannot open '\(path.display)' (\(systemMessage(code)))",
                hint: "send the picture's bytes instead")
        }
    }
}
