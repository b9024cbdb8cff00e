public import Files
import Glibc

/// Names that are neither watched nor looked into.
///
/// A pattern is a shell pattern (`*`, `?`, `[a-z]`). One without a slash is compared with the
/// name of each file and folder; one with a slash with the path below the watched folder. What is
/// excluded takes everything below it along.
public struct Exclusions: Sendable, Equatable {
    /// What nobody wants indexed: previews that a NAS keeps, repositories, bins, snapshots.
    public static let standardPatterns = [
        "@eaDir", ".git", "node_modules", ".Trash*", "lost+found", ".snapshots", "#recycle",
    ]

    private let names: [[UInt8]]
    private let paths: [[UInt8]]

    /// The standard patterns and those of a user.
    public init(_ patterns: [String] = []) {
        let all = (Self.standardPatterns + patterns).map { pattern in
            Array(pattern.utf8.drop { $0 == 0x2F }.reversed().drop { $0 == 0x2F }.reversed())
        }
        names = all.filter { !$0.isEmpty && !$0.contains(0x2F) }
        paths = all.filter { $0.contains(0x2F) }
    }

    /// Whether a file or folder is excluded by itself; its parents are not looked at.
    ///
    /// The path lies below the watched folder `root`.
    public func excludes(_ path: FilePath, root: FilePath) -> Bool {
        let name = path.name
        if names.contains(where: { Self.matches($0, name) }) { return true }
        guard !paths.isEmpty else { return false }
        let below = Array(
            path.bytes.dropFirst(root.bytes.count).drop { $0 == FilePath.separator })
        return paths.contains { Self.matches($0, below) }
    }

    /// Whether a path is excluded by itself or by a folder that it lies in.
    public func excludesAnywhere(_ path: FilePath, root: FilePath) -> Bool {
        let bytes = path.bytes
        var end = root.bytes.count
        while end < bytes.count {
            end = bytes[(end + 1)...].firstIndex(of: FilePath.separator) ?? bytes.count
            if excludes(FilePath(bytes: Array(bytes[..<end])), root: root) { return true }
        }
        return false
    }

    private static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        unsafe FilePath(bytes: pattern).withCString { pattern in
            unsafe FilePath(bytes: text).withCString {
                unsafe fnmatch(pattern, $0, FNM_PATHNAME) == 0
            }
        }
    }
}
