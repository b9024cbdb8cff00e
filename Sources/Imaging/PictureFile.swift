public import Model

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Opening and reading of picture files, whatever a path may turn out to name.
public enum PictureFile {
    /// Opens a regular file for reading.
    ///
    /// A pipe without a writer does not block.
    ///
    /// - Parameters:
    ///   - path: The path's bytes, without a NUL.
    ///   - followingLinks: Whether a link as the last component is followed or refused.
    /// - Returns: A descriptor that is the caller's to close.
    /// - Throws: `ImagingError`, which names the path.
    public static func open(
        _ path: [UInt8], followingLinks: Bool = false
    ) throws(ImagingError) -> CInt {
        let flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | (followingLinks ? 0 : O_NOFOLLOW)
        let descriptor = retryingInterrupts {
            unsafe openat(AT_FDCWD, path.map(CChar.init(bitPattern:)) + [0], flags)
        }
        guard descriptor >= 0 else {
            let code = errno
            // What O_NOFOLLOW says of a link.
            if code == ELOOP && !followingLinks { throw .notARegularFile(path: text(path)) }
            throw .unreadable(path: text(path), call: "open", code: code)
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .notARegularFile(path: text(path))
        }
        return descriptor
    }

    /// Reads a whole file from its beginning.
    ///
    /// - Parameters:
    ///   - descriptor: Open for reading; it stays the caller's, and its position is not used.
    ///   - limits: What is refused for its size, also when the file grows meanwhile.
    ///   - path: For errors.
    /// - Returns: The bytes.
    /// - Throws: `ImagingError`, which names the path.
    public static func read(
        descriptor: CInt, limits: DecodeLimits = .standard, path: [UInt8] = []
    ) throws(ImagingError) -> [UInt8] {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .unreadable(path: text(path), call: "fstat", code: errno)
        }
        guard status.st_size <= limits.maxFileBytes else {
            throw .fileTooLarge(bytes: Int(status.st_size), limit: limits.maxFileBytes)
        }
        var failure: CInt = 0
        let size = Int(status.st_size)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let read = retryingInterrupts {
                    unsafe pread(
                        descriptor, buffer.baseAddress! + count, size - count, off_t(count))
                }
                if read < 0 { failure = errno }
                if read <= 0 { return }  // the file may have shrunk
                count += read
            }
        }
        guard failure == 0 else {
            throw .unreadable(path: text(path), call: "read", code: failure)
        }
        return bytes
    }

    /// A path for people: what is not UTF-8 is shown as U+FFFD.
    static func text(_ path: [UInt8]) -> String {
        String(decoding: path, as: UTF8.self)
    }
}

extension DecodedPicture {
    /// Reads and decodes a file.
    ///
    /// Links are followed; what is no regular file is refused.
    ///
    /// - Parameters:
    ///   - path: The path's bytes: not every name is UTF-8.
    ///   - decode: With `.dct`, JPEG is scaled down by the decoder to a short side of no less
    ///     than twice `target`.
    ///   - target: The short side that is wanted in the end; `nil` decodes at full size.
    ///   - limits: What is refused for its size.
    /// - Throws: `ImagingError`, with the reason.
    public init(
        contentsOf path: [UInt8], decode: DecodeMode = .full, target: Int? = nil,
        limits: DecodeLimits = .standard
    ) throws(ImagingError) {
        let descriptor = try PictureFile.open(path, followingLinks: true)
        defer { close(descriptor) }
        let bytes = try PictureFile.read(descriptor: descriptor, limits: limits, path: path)
        try self.init(decoding: bytes, decode: decode, target: target, limits: limits)
    }
}

extension Picture {
    /// Reads and decodes a file.
    ///
    /// Links are followed; what is no regular file is refused.
    ///
    /// - Parameters:
    ///   - path: The path's bytes: not every name is UTF-8.
    ///   - decode: With `.dct`, JPEG is scaled down by the decoder to a short side of no less
    ///     than twice `target`.
    ///   - target: The short side that is wanted in the end; `nil` decodes at full size.
    ///   - limits: What is refused for its size.
    /// - Throws: `ImagingError`, with the reason.
    public init(
        contentsOf path: [UInt8], decode: DecodeMode = .full, target: Int? = nil,
        limits: DecodeLimits = .standard
    ) throws(ImagingError) {
        self =
            try DecodedPicture(contentsOf: path, decode: decode, target: target, limits: limits)
            .picture
    }

    /// Reads and decodes the file at a path that is UTF-8.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - decode: With `.dct`, JPEG is scaled down by the decoder to a short side of no less
    ///     than twice `target`.
    ///   - target: The short side that is wanted in the end; `nil` decodes at full size.
    ///   - limits: What is refused for its size.
    /// - Throws: `ImagingError`, with the reason.
    public init(
        contentsOf path: String, decode: DecodeMode = .full, target: Int? = nil,
        limits: DecodeLimits = .standard
    ) throws(ImagingError) {
        try self.init(
            contentsOf: Array(path.utf8), decode: decode, target: target, limits: limits)
    }
}
