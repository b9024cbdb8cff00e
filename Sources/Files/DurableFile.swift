import Glibc

/// Files that appear whole or not at all.
///
/// The content goes to a temporary file in the same folder, which is synchronized, renamed
/// over the target and followed by a synchronization of the folder: a crash at any moment
/// leaves the old file or the new one.
public enum DurableFile {
    /// Writes `bytes` to the file at `path`, replacing it.
    public static func write(_ bytes: [UInt8], to path: FilePath) throws(SystemCallError) {
        try write(to: path) { (file) throws(SystemCallError) in try file.append(bytes) }
    }

    /// Writes the text to the file at `path` as UTF-8, replacing it.
    public static func write(_ text: String, to path: FilePath) throws(SystemCallError) {
        try write(Array(text.utf8), to: path)
    }

    /// Writes what `content` appends to the file at `path`, replacing it.
    package static func write(
        to path: FilePath, content: (OpenFile) throws(SystemCallError) -> Void
    ) throws(SystemCallError) {
        let temporary = temporaryPath(for: path)
        do throws(SystemCallError) {
            let file = try OpenFile(creating: temporary)
            try content(file)
            try file.synchronize()
            try rename(temporary, to: path)
        } catch {
            try? remove(temporary)
            throw error
        }
    }

    /// A name beside `path` for what is not whole yet; a process has one for each file.
    package static func temporaryPath(for path: FilePath) -> FilePath {
        path.parent.appending(Array(".".utf8) + path.name + Array(".\(getpid()).tmp".utf8))
    }

    /// Renames a file durably, replacing what is at the target.
    package static func rename(
        _ path: FilePath, to target: FilePath
    ) throws(SystemCallError) {
        try move(path, to: target)
        try synchronizeFolder(target.parent)
    }

    /// Renames a file, replacing what is at the target.
    package static func move(_ path: FilePath, to target: FilePath) throws(SystemCallError) {
        try systemCall("rename", target) {
            unsafe path.withCString { from in
                unsafe target.withCString { unsafe Glibc.rename(from, $0) }
            }
        }
    }

    /// Removes a file.
    package static func remove(_ path: FilePath) throws(SystemCallError) {
        try systemCall("unlink", path) { unsafe path.withCString { unsafe unlink($0) } }
    }

    /// Makes the names in a folder durable.
    package static func synchronizeFolder(_ folder: FilePath) throws(SystemCallError) {
        try OpenFile(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC).synchronize()
    }
}
