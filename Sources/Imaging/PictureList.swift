public import Files
import Model

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
        /// The path to open the file by.
        public let path: FilePath
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
        let place = FilePath(path)
        guard let status = try? FileStatus(of: place, followingLinks: true) else {
            throw .noSuchList(path: path)
        }
        let named: [Named]
        switch status.kind {
        case .folder: named = try Self.namesBelow(place.bytes)
        case .regular: named = try Self.namesListed(in: place)
        default: throw .notARegularFile(path: path)
        }
        guard !named.isEmpty else { throw .emptyList(path: path) }

        let labels = Set(named.compactMap(\.label)).sorted { $0.lexicographicallyPrecedes($1) }
        let numbers = Dictionary(uniqueKeysWithValues: zip(labels, labels.indices))
        entries = named.map {
            Entry(
                path: FilePath(bytes: $0.path), name: $0.name,
                label: $0.label.flatMap { numbers[$0] })
        }
        labelNames = labels.map { String(decoding: $0, as: UTF8.self) }
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

    /// The regular files and the folders in a folder.
    private static func contents(
        of folder: [UInt8]
    ) throws(ImagingError) -> [(name: [UInt8], isFolder: Bool)] {
        let folder = FilePath(bytes: folder)
        do throws(SystemCallError) {
            return try Folder.items(of: folder, followingLinks: true).compactMap { item in
                // Some file systems keep no kinds in their folders.
                switch item.kind ?? (try? FileStatus(of: folder.appending(item.name)))?.kind {
                case .regular: (item.name, false)
                case .folder: (item.name, true)
                default: nil
                }
            }
        } catch { throw .unreadable(error) }
    }

    private static func namesListed(in path: FilePath) throws(ImagingError) -> [Named] {
        let text = try PictureFile.read(try PictureFile.open(path, followingLinks: true))
        // A picture in place of a list would give thousands of senseless names.
        guard !text.contains(0) else { throw .emptyList(path: path.description) }
        let folder = path.bytes.lastIndex(of: slash).map { Array(path.bytes[...$0]) } ?? []
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
