import Model

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The pictures of a folder or of a text file, in an order that is always the same.
///
/// A folder is walked with its sub-folders; hidden files and folders, links, and what is no
/// regular file are passed over. Every other file is an entry whatever its name: whether it is
/// a picture, decoding tells. Entries are sorted by the bytes of their paths, and the first
/// level of sub-folders gives the labels.
///
/// A text file holds one path a line, relative to its own folder unless absolute, and its order
/// is kept; the folder that a path's file lies in gives the label.
public struct PictureList: Sendable, Equatable {
    /// One picture of a list.
    public struct Entry: Sendable, Equatable {
        /// The bytes of the path, to open the file by.
        public let path: [UInt8]
        /// The bytes of the path as the list tells it: below the folder, or the line of text.
        public let name: [UInt8]
        /// The position in `labelNames`, where there is a label.
        public let label: Int?

        /// The name for people: what is not UTF-8 is shown as U+FFFD.
        public var display: String { String(decoding: name, as: UTF8.self) }
    }

    /// The pictures, at least one.
    public let entries: [Entry]
    /// The names of the labels, sorted by their bytes; empty when there are none.
    public let labelNames: [String]
    /// The SHA-256 of all names, each ended by a NUL, in lower-case hexadecimal digits: equal
    /// for the same list in another place.
    public let digest: String

    /// Lists a folder, or reads a list from a text file.
    ///
    /// - Parameter path: The folder or the text file. A link is followed here, and only here.
    /// - Throws: `ImagingError.noSuchList`, `.emptyList`, or `.unreadable` for a folder that
    ///   may not be read.
    public init(at path: String) throws(ImagingError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw .noSuchList(path: path) }
        let bytes = Array(path.utf8)
        let named: [Named]
        switch status.st_mode & S_IFMT {
        case S_IFDIR: named = try Self.namesBelow(bytes)
        case S_IFREG: named = try Self.namesListed(in: bytes)
        default: throw .notARegularFile(path: path)
        }
        guard !named.isEmpty else { throw .emptyList(path: path) }

        let labels = Set(named.compactMap(\.label)).sorted { $0.lexicographicallyPrecedes($1) }
        let numbers = Dictionary(uniqueKeysWithValues: zip(labels, labels.indices))
        entries = named.map {
            Entry(path: $0.path, name: $0.name, label: $0.label.flatMap { numbers[$0] })
        }
        labelNames = labels.map(PictureFile.text)
        digest = FileDigest.sha256(named.flatMap { $0.name + [0] })
    }

    /// An entry whose label is still a name.
    private typealias Named = (path: [UInt8], name: [UInt8], label: [UInt8]?)

    private static let slash = UInt8(ascii: "/")

    private static func namesBelow(_ folder: [UInt8]) throws(ImagingError) -> [Named] {
        let root = folder.last == slash ? folder : folder + [slash]
        var names: [[UInt8]] = []
        var pending: [[UInt8]] = [[]]
        while let below = pending.popLast() {
            for (name, isFolder) in try contents(of: root + below) where name.first != dot {
                if isFolder {
                    pending.append(below + name + [slash])
                } else {
                    names.append(below + name)
                }
            }
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }.map { name in
            (root + name, name, name.firstIndex(of: slash).map { Array(name[..<$0]) })
        }
    }

    private static let dot = UInt8(ascii: ".")

    /// The regular files and the folders in a folder, in no particular order.
    private static func contents(
        of folder: [UInt8]
    ) throws(ImagingError) -> [(name: [UInt8], isFolder: Bool)] {
        let path = folder.map(CChar.init(bitPattern:)) + [0]
        guard let stream = unsafe opendir(path) else {
            throw .unreadable(path: PictureFile.text(folder), call: "opendir", code: errno)
        }
        defer { unsafe closedir(stream) }
        var result: [(name: [UInt8], isFolder: Bool)] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            let (name, type) = unsafe nameAndType(of: entry)
            switch unsafe type == DT_UNKNOWN ? typeByStatus(name, in: dirfd(stream)) : type {
            case DT_REG: result.append((name, false))
            case DT_DIR: result.append((name, true))
            default: break
            }
        }
        if errno != 0 {
            throw .unreadable(path: PictureFile.text(folder), call: "readdir", code: errno)
        }
        return result
    }

    /// The name's bytes and the type as one of DT_REG, DT_DIR, …; the entry is never copied as a
    /// whole, since it is only as long as its name.
    private static func nameAndType(
        of entry: UnsafeMutablePointer<dirent>
    ) -> (name: [UInt8], type: Int) {
        let bytes = UnsafeRawPointer(entry)
        let name = unsafe (bytes + MemoryLayout<dirent>.offset(of: \.d_name)!)
            .assumingMemoryBound(to: UInt8.self)
        return unsafe (
            Array(
                UnsafeBufferPointer(
                    start: name,
                    count: strlen(UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self)))),
            Int(entry.pointer(to: \.d_type)!.pointee)
        )
    }

    /// For file systems that keep no types in their folders.
    private static func typeByStatus(_ name: [UInt8], in folder: CInt) -> Int {
        var status = stat()
        let path = name.map(CChar.init(bitPattern:)) + [0]
        guard unsafe fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            return DT_UNKNOWN
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return DT_REG
        case S_IFDIR: return DT_DIR
        default: return DT_UNKNOWN
        }
    }

    private static func namesListed(in file: [UInt8]) throws(ImagingError) -> [Named] {
        let descriptor = try PictureFile.open(file, followingLinks: true)
        defer { close(descriptor) }
        let text = try PictureFile.read(descriptor: descriptor, path: file)
        // A picture in place of a list would give thousands of senseless names.
        guard !text.contains(0) else { throw .emptyList(path: PictureFile.text(file)) }
        let folder = file.lastIndex(of: slash).map { Array(file[...$0]) } ?? []
        return text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let name = Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
            guard name.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") })
            else { return nil }
            let parts = name.split(separator: slash)
            return (
                name.first == slash ? name : folder + name, name,
                parts.count > 1 ? Array(parts[parts.count - 2]) : nil
            )
        }
    }
}
