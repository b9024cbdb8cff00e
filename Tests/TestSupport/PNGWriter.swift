/// Writes PNG files for tests, apart from the codec that the product reads them with.
///
/// Pixels are stored without compression, so that no library is needed.
///
/// Source: Portable Network Graphics (PNG) Specification, W3C, third edition, 2025; RFC 1950 and
/// RFC 1951 for the stored blocks.
public enum PNGWriter {
    /// A file of 8-bit RGB pixels.
    ///
    /// - Parameters:
    ///   - width: In pixels, at least 1.
    ///   - height: In pixels, at least 1.
    ///   - pixels: `[height, width, 3]`.
    /// - Returns: The bytes of the file.
    public static func encode(width: Int, height: Int, pixels: [UInt8]) -> [UInt8] {
        precondition(pixels.count == width * height * 3, "\(pixels.count) bytes of pixels")
        var rows: [UInt8] = []
        for row in 0..<height {
            rows.append(0)  // No filter.
            rows += pixels[row * width * 3..<(row + 1) * width * 3]
        }
        let header = bigEndian(width) + bigEndian(height) + [8, 2, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + chunk("IHDR", header) + chunk("IDAT", stored(rows)) + chunk("IEND", [])
    }

    private static func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
        let content = Array(type.utf8) + body
        return bigEndian(body.count) + content + bigEndian(Int(crc32(content)))
    }

    /// A zlib stream of stored blocks, each of at most 65,535 bytes.
    private static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = [0x78, 0x01]
        var start = 0
        repeat {
            let end = min(start + 0xFFFF, bytes.count)
            let count = end - start
            let (low, high) = (UInt8(count & 0xFF), UInt8(count >> 8))
            result += [end == bytes.count ? 1 : 0, low, high, ~low, ~high]
            result += bytes[start..<end]
            start = end
        } while start < bytes.count
        return result + bigEndian(Int(adler32(bytes)))
    }

    private static func bigEndian(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    private static func adler32(_ bytes: [UInt8]) -> UInt32 {
        var (a, b): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            a = (a + UInt32(byte)) % 65_521
            b = (b + a) % 65_521
        }
        return b << 16 | a
    }
}
