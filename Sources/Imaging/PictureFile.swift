public import Files
public import Model

/// Opening and reading of picture files, whatever a path may turn out to name.
public enum PictureFile {
    /// Opens a regular file for reading.
    ///
    /// A pipe without a writer does not block.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - followingLinks: Whether a link as the last component is followed or refused.
    /// - Returns: The file.
    /// - Throws: `ImagingError`, which names the path.
    public static func open(
        _ path: FilePath, followingLinks: Bool = false
    ) throws(ImagingError) -> OpenFile {
        do throws(SystemCallError) {
            let file = try OpenFile(reading: path, followingLinks: followingLinks)
            if try file.status().kind == .regular { return file }
        } catch {
            // What is said of a link that is not followed.
            guard error.isLoop && !followingLinks else { throw .unreadable(error) }
        }
        throw .notARegularFile(path: path.description)
    }

    /// Reads a whole file from its beginning.
    ///
    /// - Parameters:
    ///   - file: Open for reading; its position is not used.
    ///   - limits: What is refused for its size, also when the file grows meanwhile.
    /// - Returns: The bytes.
    /// - Throws: `ImagingError`, which names the path.
    public static func read(
        _ file: OpenFile, limits: DecodeLimits = .standard
    ) throws(ImagingError) -> [UInt8] {
        let size: Int
        do throws(SystemCallError) {
            size = Int(try file.status().identity.size)
            // The file may shrink meanwhile.
            if size <= limits.maxFileBytes { return try file.bytes(count: size) }
        } catch { throw .unreadable(error) }
        throw .fileTooLarge(bytes: size, limit: limits.maxFileBytes)
    }
}

extension DecodedPicture {
    /// Reads and decodes a file.
    ///
    /// Links are followed; what is no regular file is refused.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - decode: With `.dct`, JPEG is scaled down by the decoder to a short side of no less
    ///     than twice `target`.
    ///   - target: The short side that is wanted in the end; `nil` decodes at full size.
    ///   - limits: What is refused for its size.
    /// - Throws: `ImagingError`, with the reason.
    public init(
        contentsOf path: FilePath, decode: DecodeMode = .full, target: Int? = nil,
        limits: DecodeLimits = .standard
    ) throws(ImagingError) {
        let file = try PictureFile.open(path, followingLinks: true)
        let bytes = try PictureFile.read(file, limits: limits)
        try self.init(decoding: bytes, decode: decode, target: target, limits: limits)
    }
}

extension Picture {
    /// Reads and decodes a file.
    ///
    /// Links are followed; what is no regular file is refused.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - decode: With `.dct`, JPEG is scaled down by the decoder to a short side of no less
    ///     than twice `target`.
    ///   - target: The short side that is wanted in the end; `nil` decodes at full size.
    ///   - limits: What is refused for its size.
    /// - Throws: `ImagingError`, with the reason.
    public init(
        contentsOf path: FilePath, decode: DecodeMode = .full, target: Int? = nil,
        limits: DecodeLimits = .standard
    ) throws(ImagingError) {
        self =
            try DecodedPicture(contentsOf: path, decode: decode, target: target, limits: limits)
            .picture
    }
}
