import Glibc

/// A path as the kernel knows it: bytes, not always UTF-8, without a terminating zero.
public struct FilePath: Hashable, Sendable {
    /// The bytes.
    public let bytes: [UInt8]

    /// A path from its bytes.
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// A path from text, as its UTF-8 bytes.
    public init(_ text: String) { self.init(bytes: Array(text.utf8)) }

    /// The byte that separates the parts of a path.
    public static let separator = UInt8(ascii: "/")

    /// Calls `body` with the path as a C string.
    package func withCString<Result, Failure: Error>(
        _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var characters = bytes.map { CChar(bitPattern: $0) }
        characters.append(0)
        return try unsafe characters.withUnsafeBufferPointer {
            buffer throws(Failure) in try unsafe body(buffer.baseAddress!)
        }
    }
}

extension FilePath: ExpressibleByStringInterpolation {
    /// A path from text in the source.
    public init(stringLiteral text: String) { self.init(text) }
}

extension FilePath: CustomStringConvertible {
    /// The path for people: what is not UTF-8 is shown as U+FFFD.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension FilePath: Comparable {
    /// The order of the bytes.
    public static func < (a: FilePath, b: FilePath) -> Bool {
        a.bytes.lexicographicallyPrecedes(b.bytes)
    }
}

// MARK: - Parts

extension FilePath {
    /// Whether the path begins at the root.
    public var isAbsolute: Bool { bytes.first == Self.separator }

    /// The folder that the last part lies in: `.` for a single part.
    public var parent: FilePath {
        guard let slash = bytes.lastIndex(of: Self.separator) else { return FilePath(".") }
        return slash == 0 ? FilePath("/") : FilePath(bytes: Array(bytes[..<slash]))
    }

    /// The last part.
    public var name: [UInt8] {
        Array(bytes[(bytes.lastIndex(of: Self.separator).map { $0 + 1 } ?? 0)...])
    }

    /// The path of a name in this folder.
    public func appending(_ name: [UInt8]) -> FilePath {
        FilePath(
            bytes: bytes.last == Self.separator ? bytes + name : bytes + [Self.separator] + name)
    }

    /// The path of a name in this folder.
    public func appending(_ name: String) -> FilePath { appending(Array(name.utf8)) }

    /// Whether the path lies somewhere below a folder, judged by its bytes.
    public func isBelow(_ folder: FilePath) -> Bool {
        guard bytes.starts(with: folder.bytes), bytes.count > folder.bytes.count else {
            return false
        }
        return folder.bytes.last == Self.separator
            || bytes[folder.bytes.count] == Self.separator
    }

    /// Whether the path is that of a folder or lies somewhere below it, judged by its bytes.
    public func isAtOrBelow(_ folder: FilePath) -> Bool { self == folder || isBelow(folder) }

    /// The path of this file, or of what lies below a folder, after that was renamed.
    public func moved(from former: FilePath, to path: FilePath) -> FilePath {
        FilePath(bytes: path.bytes + bytes.dropFirst(former.bytes.count))
    }

    /// The path without `.`, `..`, doubled or trailing separators, judged by its bytes: `..` takes
    /// the part before it away, also where that is a link.
    public var normalized: FilePath {
        var parts: [ArraySlice<UInt8>] = []
        for part in bytes.split(separator: Self.separator) where !part.elementsEqual(Self.here) {
            if part.elementsEqual(Self.above) {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        let joined = Array(parts.joined(separator: [Self.separator]))
        return FilePath(bytes: isAbsolute ? [Self.separator] + joined : joined)
    }

    private static let here = Array(".".utf8)
    private static let above = Array("..".utf8)
}

// MARK: - Links

extension FilePath {
    /// What a symbolic link says; `nil` for anything else.
    public var linkTarget: FilePath? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe withCString { unsafe readlink($0, &buffer, buffer.count) }
        guard count > 0 else { return nil }
        return FilePath(bytes: buffer.prefix(count).map { UInt8(bitPattern: $0) })
    }

    /// An absolute path without links, whether or not something is there.
    ///
    /// A link to a disk that is not mounted gives the same path as when it is, so that a folder is
    /// known again by its path. Too many links in a row leave the path as it is then.
    public var withoutLinks: FilePath {
        var resolved = FilePath(bytes: [])
        var waiting = Array(bytes.split(separator: Self.separator).reversed())
        var links = 0
        while let part = waiting.popLast() {
            if part.elementsEqual(Self.here) { continue }
            if part.elementsEqual(Self.above) {
                resolved = resolved.bytes.isEmpty ? resolved : resolved.parentOfResolved
                continue
            }
            let next = FilePath(bytes: resolved.bytes + [Self.separator] + part)
            guard let target = next.linkTarget else {
                resolved = next
                continue
            }
            links += 1
            guard links <= 40 else { return self }  // the kernel's own limit
            if target.isAbsolute { resolved = FilePath(bytes: []) }
            waiting += target.bytes.split(separator: Self.separator).reversed()
        }
        return resolved.bytes.isEmpty ? FilePath("/") : resolved
    }

    private var parentOfResolved: FilePath {
        FilePath(bytes: Array(bytes[..<(bytes.lastIndex(of: Self.separator) ?? 0)]))
    }
}
