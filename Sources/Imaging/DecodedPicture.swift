import CImageCodecs
public import Model

/// What a picture may take at most.
///
/// Sizes are checked from the header, before memory is taken.
public struct DecodeLimits: Sendable, Equatable {
    /// The most pixels in all.
    public var maxPixels: Int
    /// The most bytes of a file.
    public var maxFileBytes: Int
    /// The most memory for the coefficients of a progressive JPEG, which are all kept at once.
    public var maxCoefficientBytes: Int
    /// The most scans of a progressive JPEG: each costs a pass over the picture.
    public var maxScans: Int

    /// Limits of the given sizes.
    public init(
        maxPixels: Int, maxFileBytes: Int, maxCoefficientBytes: Int = 384 << 20,
        maxScans: Int = 100
    ) {
        self.maxPixels = maxPixels
        self.maxFileBytes = maxFileBytes
        self.maxCoefficientBytes = maxCoefficientBytes
        self.maxScans = maxScans
    }

    /// 200 megapixels and 512 MiB.
    public static let standard = DecodeLimits(maxPixels: 200_000_000, maxFileBytes: 512 << 20)
}

/// A picture and what its file tells about it.
public struct DecodedPicture: Sendable, Equatable {
    /// The picture, upright; smaller than the original when it was scaled while decoding.
    public let picture: Picture
    /// The width of the picture as it would be shown at full size.
    public let originalWidth: Int
    /// The height of the picture as it would be shown at full size.
    public let originalHeight: Int
    /// What is wrong with the file although no pixel is known to be missing, for example that
    /// its end marker is gone; `nil` for a sound file.
    public let damage: String?

    /// Decodes a file's bytes.
    ///
    /// What they are is told by themselves, never by a name.
    ///
    /// Read are JPEG (grey, YCbCr, RGB, CMYK, YCCK; baseline and progressive) and PNG (all
    /// kinds; alpha is composed over white, gamma and colour profiles are ignored), turned
    /// upright as EXIF tells. A picture of which a part is missing is refused.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - decode: With `.dct`, JPEG is scaled down by the decoder to a short side of no less
    ///     than twice `target`.
    ///   - target: The short side that is wanted in the end; `nil` decodes at full size.
    ///   - limits: What is refused for its size.
    /// - Throws: `ImagingError`, with the reason.
    public init(
        decoding bytes: [UInt8], decode: DecodeMode = .full, target: Int? = nil,
        limits: DecodeLimits = .standard
    ) throws(ImagingError) {
        guard bytes.count <= limits.maxFileBytes else {
            throw .fileTooLarge(bytes: bytes.count, limit: limits.maxFileBytes)
        }
        let format = try PictureFormat(of: bytes)
        let shortSide = decode == .dct ? target.map { UInt32(clamping: $0 * 2) } : nil
        let reader = try CodecReader(
            of: bytes, format: format,
            limits: ci_limits(
                max_pixels: UInt64(limits.maxPixels),
                max_coefficient_bytes: UInt64(limits.maxCoefficientBytes),
                max_scans: CInt(clamping: limits.maxScans),
                least_short_side: shortSide ?? 0))
        let stored = try reader.read()
        let orientation = reader.orientation
        picture = stored.upright(from: orientation)
        let (width, height) = (Int(reader.header.stored_width), Int(reader.header.stored_height))
        (originalWidth, originalHeight) = orientation.swapsSides ? (height, width) : (width, height)
        damage = reader.damage
    }
}

extension Picture {
    /// Decodes a file's bytes; see `DecodedPicture`, which also tells what is amiss with them.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - decode: With `.dct`, JPEG is scaled down by the decoder to a short side of no less
    ///     than twice `target`.
    ///   - target: The short side that is wanted in the end; `nil` decodes at full size.
    ///   - limits: What is refused for its size.
    /// - Throws: `ImagingError`, with the reason.
    public init(
        decoding bytes: [UInt8], decode: DecodeMode = .full, target: Int? = nil,
        limits: DecodeLimits = .standard
    ) throws(ImagingError) {
        self =
            try DecodedPicture(decoding: bytes, decode: decode, target: target, limits: limits)
            .picture
    }
}

/// The formats that are read, told by a file's first bytes.
package enum PictureFormat {
    /// The number of bytes at a file's beginning that are enough to tell.
    package static let headerBytes = 32

    case jpeg, png

    /// - Throws: `ImagingError` for what is not read: formats that are recognized by name.
    package init(of bytes: [UInt8]) throws(ImagingError) {
        func has(_ text: StaticString, at offset: Int = 0) -> Bool {
            text.withUTF8Buffer { pattern in
                unsafe bytes.count >= offset + pattern.count
                    && bytes[offset..<(offset + pattern.count)].elementsEqual(pattern)
            }
        }
        if bytes.isEmpty { throw .empty }
        if bytes.starts(with: [0xFF, 0xD8]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if bytes.starts(with: [0x89]) && has("PNG", at: 1) {
            throw .corrupt(reason: "its PNG signature was changed, as by a copy in text mode")
        } else if has("GIF8") {
            throw .unsupportedFormat("GIF")
        } else if has("RIFF") && has("WEBP", at: 8) {
            throw .unsupportedFormat("WebP")
        } else if has("BM") && bytes.count >= 26 && bytes[6..<10].allSatisfy({ $0 == 0 }) {
            throw .unsupportedFormat("BMP")
        } else if has("II*\0") || has("MM\0*") {
            throw .unsupportedFormat("TIFF")
        } else if has("ftyp", at: 4) {
            throw .unsupportedFormat(
                has("avif", at: 8) || has("avis", at: 8)
                    ? "AVIF"
                    : has("hei", at: 8) || has("hev", at: 8) || has("mif1", at: 8)
                        || has("msf1", at: 8)
                        ? "HEIC" : "this kind of media file")
        } else {
            throw .notAPicture
        }
    }
}
