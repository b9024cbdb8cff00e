import Crypto

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// SHA-256 digests of files and of bytes, as 64 lower-case hexadecimal digits.
public enum FileDigest {
    /// The digest of a file's content.
    public static func sha256(ofFileAt path: String) throws(FileError) -> String {
        let descriptor = retryingInterrupts { unsafe open(path, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw FileError("open", path) }
        defer { close(descriptor) }
        return try sha256(ofDescriptor: descriptor, path: path)
    }

    /// The digest of an open file's content, read from its start.
    ///
    /// - Parameters:
    ///   - descriptor: A file open for reading; its position is neither used nor moved.
    ///   - path: Its name, for error messages.
    /// - Returns: The digits.
    /// - Throws: `FileError` where the file cannot be read.
    public static func sha256(
        ofDescriptor descriptor: Int32, path: String
    ) throws(FileError) -> String {
        var digest = SHA256()
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        var offset = 0
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                retryingInterrupts {
                    unsafe pread(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
                }
            }
            guard count >= 0 else { throw FileError("read", path) }
            if count == 0 { return hexadecimal(Array(digest.finalize())) }
            digest.update(data: buffer[..<count])
            offset += count
        }
    }

    /// The digest of the given bytes.
    public static func sha256(_ bytes: [UInt8]) -> String {
        hexadecimal(Array(SHA256.hash(data: bytes)))
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
