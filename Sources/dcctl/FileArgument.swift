import API
import ArgumentParser
import FoundationEssentials

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A file named on the command line, by its exact bytes.
///
/// Swift's arguments are repaired to valid UTF-8, so a name that is not is looked up among the
/// arguments as the kernel passed them.
struct FileArgument: ExpressibleByArgument {
    /// The argument as text.
    let text: String
    /// The argument's exact bytes.
    let bytes: [UInt8]

    init?(argument: String) {
        text = argument
        bytes = Self.exact[argument] ?? Array(argument.utf8)
    }

    private static let exact: [String: [UInt8]] = {
        var exact: [String: [UInt8]] = [:]
        for index in 1..<max(Int(CommandLine.argc), 1) {
            guard let pointer = unsafe CommandLine.unsafeArgv[index] else { continue }
            let count = unsafe strlen(pointer)
            let bytes = unsafe UnsafeRawBufferPointer(start: pointer, count: count)
            unsafe exact[String(cString: pointer)] = Array(bytes)
        }
        return exact
    }()

    /// The absolute path, as the daemon knows files.
    var path: PicturePath {
        let slash = UInt8(ascii: "/")
        let current = Array(FileManager.default.currentDirectoryPath.utf8)
        let absolute = bytes.first == slash ? bytes : current + [slash] + bytes
        var parts: [ArraySlice<UInt8>] = []
        for part in absolute.split(separator: slash) where !part.elementsEqual([0x2E]) {
            if part.elementsEqual([0x2E, 0x2E]) {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        return PicturePath(bytes: parts.flatMap { [slash] + $0 })
    }

    /// The file's contents; `-` is standard input.
    func contents() throws -> [UInt8] {
        let descriptor =
            text == "-"
            ? STDIN_FILENO
            : unsafe open(bytes.map { CChar(bitPattern: $0) } + [0], O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw UnreadableFile(name: text, errno: errno) }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw UnreadableFile(name: text, errno: errno) }
            if count == 0 { return contents }
            contents += chunk[..<count]
        }
    }
}

/// A file that cannot be read.
struct UnreadableFile: Error, CustomStringConvertible {
    let name: String
    let errno: Int32

    var description: String {
        let reason = unsafe String(cString: strerror(errno))
        return "'\(name)' cannot be read (\(reason)): check the path and its permissions"
    }
}
