import Crypto
public import Files

/// SHA-256 digests of files and of bytes, as 64 lower-case hexadecimal digits.
public enum FileDigest {
    /// The digest of a file's content.
    public static func sha256(ofFileAt path: FilePath) throws(SystemCallError) -> String {
        try sha256(of: try OpenFile(reading: path))
    }

    /// The digest of an open file's content, read from its start.
    ///
    /// - Parameter file: Its position is neither used nor moved.
    /// - Returns: The digits.
    /// - Throws: `SystemCallError` where the file cannot be read.
    public static func sha256(of file: OpenFile) throws(SystemCallError) -> String {
        var digest = SHA256()
        var offset = 0
        while true {
            let bytes = try file.bytes(at: offset, count: 256 << 10)
            if bytes.isEmpty { return hexadecimal(Array(digest.finalize())) }
            digest.update(data: bytes)
            offset += bytes.count
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
