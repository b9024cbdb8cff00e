import ArgumentParser
import Files
import FoundationEssentials

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
            let text = unsafe String(cString: pointer)
            var end = unsafe pointer
            while unsafe end.pointee != 0 { unsafe end += 1 }
            exact[text] = unsafe Array(UnsafeRawBufferPointer(start: pointer, count: end - pointer))
        }
        return exact
    }()

    /// The absolute path, as the daemon knows files.
    var path: FilePath {
        let path = FilePath(bytes: bytes)
        if path.isAbsolute { return path.normalized }
        return FilePath(FileManager.default.currentDirectoryPath).appending(bytes).normalized
    }

    /// The file's contents; `-` is standard input.
    func contents() throws -> [UInt8] {
        do throws(SystemCallError) {
            let file =
                text == "-"
                ? try OpenFile.standardInput() : try OpenFile(reading: FilePath(bytes: bytes))
            return try file.remainingBytes()
        } catch {
            throw UnreadableFile(name: text, reason: SystemCallError.message(error.number))
        }
    }
}

/// A file that cannot be read.
struct UnreadableFile: Error, CustomStringConvertible {
    let name: String
    let reason: String

    var description: String {
        "'\(name)' cannot be read (\(reason)): check the path and its permissions"
    }
}
