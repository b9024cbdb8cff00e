import API
import CWorker
import Files
import NIOCore

/// The picture of a query as an open file, which is what a decode worker takes.
struct QueryFile {
    private let file: OpenFile

    /// What a decode worker takes.
    var descriptor: CInt { file.descriptor }

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
            throw DaemonError.system(SystemCallError("memfd_create", "query", number: -result))
        }
        file = OpenFile(adopting: result, path: "query")
    }

    /// A picture that the daemon may read itself: a regular file inside a watched folder.
    init(path: FilePath, roots: [FilePath]) throws {
        guard path.isAbsolute, !path.bytes.contains(0) else {
            throw Problem(
                .badRequest, "'\(path)' is not an absolute path",
                hint: "give one that starts with a slash")
        }
        // Other paths are not even looked up, so that nobody learns what exists.
        let parts = path.bytes.split(separator: FilePath.separator)
        guard !parts.contains(where: { $0.elementsEqual("..".utf8) }),
            roots.contains(where: { path.isBelow($0) })
        else { throw Self.notWatched(path) }
        do throws(SystemCallError) {
            // A device or a pipe does not block, and is refused below.
            file = try OpenFile(reading: path, followingLinks: false)
        } catch { throw Self.problem(path, error) }
        try check(path, roots)
    }

    /// Whether the file that was opened is regular and lies in a watched folder.
    ///
    /// The kernel is asked where the open file lies, so that links on the way change nothing.
    private func check(_ path: FilePath, _ roots: [FilePath]) throws {
        guard try file.status().kind == .regular else {
            throw Problem(
                .notAPicture, "'\(path)' is not a regular file",
                hint: "name a picture file")
        }
        let link: FilePath = "/proc/self/fd/\(file.descriptor)"
        let real = link.linkTarget ?? FilePath(bytes: [])
        guard roots.contains(where: { real.isBelow($0.withoutLinks) }) else {
            throw Self.notWatched(path)
        }
    }

    private static func notWatched(_ path: FilePath) -> Problem {
        Problem(
            .notWatched, "'\(path)' is in no watched folder",
            hint: "send the picture's bytes instead")
    }

    private static func problem(_ path: FilePath, _ error: SystemCallError) -> Problem {
        if error.isAbsence {
            return Problem(
                .notFound, "there is no file '\(path)'",
                hint: "check the path, or send the picture's bytes")
        }
        if error.isLoop {
            return Problem(
                .notWatched, "'\(path)' is a symbolic link", hint: "name the file itself")
        }
        return Problem(
            .notWatched,
            "the daemon cannot open '\(path)' (\(SystemCallError.message(error.number)))",
            hint: "send the picture's bytes instead")
    }
}
