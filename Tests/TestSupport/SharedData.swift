import Foundation

/// The pictures that tests work on, kept beside the repository and not in it.
///
/// They lie in the folder named by `DC_SHARED_DATA`, else in `../shared/data` beside the
/// repository's root. Archives are unpacked once, side by side, into `.build-data` in the root,
/// which git ignores.
public enum SharedData {
    /// Says why a test was skipped.
    public static let message =
        "the shared pictures are absent: set DC_SHARED_DATA to the folder that holds them"

    /// The root of the repository.
    public static let root = {
        // The sources may be reached through a link; the data lies beside the real ones.
        let here = URL(filePath: #filePath).resolvingSymlinksInPath()
        return here.deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path(percentEncoded: false).trimmingSuffix("/")
    }()

    /// The folder that holds the archives, `nil` when there is none.
    public static let folder: String? = {
        let named = ProcessInfo.processInfo.environment["DC_SHARED_DATA"]
        let path = named ?? root + "/../shared/data"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    /// The folder that an archive unpacks to, unpacked on first use.
    ///
    /// - Parameter archive: The archive's file name, for example `clothing.tar`.
    /// - Returns: For example the path of `.build-data/clothing`; `nil` when the archive is
    ///   absent or cannot be unpacked.
    public static func unpacked(_ archive: String) -> String? {
        guard let folder else { return nil }
        let source = "\(folder)/\(archive)"
        let name = String(archive.prefix { $0 != "." })
        let target = "\(root)/.build-data/\(name)"
        let files = FileManager.default
        if files.fileExists(atPath: target) { return target }
        guard files.fileExists(atPath: source) else { return nil }
        do {
            try unpack(source, folder: name, to: "\(root)/.build-data")
            return target
        } catch {
            print("\(archive) was not unpacked: \(error)")
            return nil
        }
    }

    /// Unpacks into a folder of its own and renames, so that nobody ever sees half of it: of two
    /// processes that do so at once, one wins and the other throws its copy away.
    private static func unpack(_ archive: String, folder: String, to parent: String) throws {
        let files = FileManager.default
        let temporary = try TemporaryFolder(in: parent)
        let tar = try ChildProcess(
            "/usr/bin/tar", ["-xf", archive, "-C", temporary.path],
            output: "/dev/null", errors: "/dev/null")
        guard tar.wait() == 0 else { throw CocoaError(.fileReadCorruptFile) }
        do {
            try files.moveItem(
                atPath: "\(temporary.path)/\(folder)", toPath: "\(parent)/\(folder)")
        } catch  where files.fileExists(atPath: "\(parent)/\(folder)") {
            return
        }
    }
}

/// A new, empty folder that removes itself, with all that is in it, when it is let go.
public final class TemporaryFolder: Sendable {
    /// The absolute path, without a trailing slash.
    public let path: String

    /// Makes a folder.
    ///
    /// - Parameter parent: Where to make it, itself made if need be; the system's temporary
    ///   folder unless given.
    /// - Throws: What the system says when the folder cannot be made.
    public init(in parent: String? = nil) throws {
        let parent = parent ?? NSTemporaryDirectory().trimmingSuffix("/")
        path = "\(parent)/dc-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of something in the folder.
    public func path(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file, with the folders above it, and gives its path.
    @discardableResult
    public func write(_ bytes: [UInt8], to name: String) throws -> String {
        let file = URL(filePath: path(name))
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return path(name)
    }

    /// Writes a file whose name need not be UTF-8.
    public func write(_ bytes: [UInt8], toNameOf name: [UInt8]) throws {
        let path = (Array(path.utf8) + [UInt8(ascii: "/")] + name).map(CChar.init(bitPattern:))
        let descriptor = unsafe open(path + [0], O_CREAT | O_WRONLY | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            .write(contentsOf: Data(bytes))
    }

    /// Makes a named pipe and gives its path.
    @discardableResult
    public func makePipe(_ name: String) throws -> String {
        guard unsafe mkfifo(path(name), 0o600) == 0 else { throw CocoaError(.fileWriteUnknown) }
        return path(name)
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        count > suffix.count && hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
