import CImageCodecs
import Glibc

extension Picture {
    /// The picture as a JPEG file, small and nearly the same.
    ///
    /// - Parameter quality: libjpeg's, from 1 to 100.
    /// - Returns: The bytes of the file.
    /// - Throws: `ImagingError` for a side over 65,500 pixels, or without memory.
    public func jpeg(quality: Int = 85) throws(ImagingError) -> [UInt8] {
        precondition((1...100).contains(quality), "a JPEG of quality \(quality)")
        return try encoded(CI_JPEG, quality: quality)
    }

    /// The picture as a PNG file, bit for bit.
    ///
    /// - Returns: The bytes of the file.
    /// - Throws: `ImagingError` for a side over 65,500 pixels, or without memory.
    public func png() throws(ImagingError) -> [UInt8] { try encoded(CI_PNG, quality: 0) }

    private func encoded(_ format: ci_format, quality: Int) throws(ImagingError) -> [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        let status = unsafe pixels.withUnsafeBufferPointer { pixels in
            unsafe ci_encode(
                format, pixels.baseAddress, UInt32(clamping: width), UInt32(clamping: height),
                CInt(quality), &bytes, &count)
        }
        guard status == CI_OK.rawValue, let bytes = unsafe bytes else {
            throw status == CI_TOO_LARGE.rawValue
                ? .tooLarge(reason: "it is \(width)×\(height) pixels, a side has at most 65,500")
                : .outOfMemory
        }
        defer { unsafe free(bytes) }
        return unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    }
}
