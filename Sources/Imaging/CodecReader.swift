import CImageCodecs

/// A decoder of CImageCodecs over one file's bytes.
///
/// The decoder keeps the address of the bytes, so they are held here, unmoved, as long as it
/// lives.
@safe final class CodecReader {
    let header: ci_header
    /// What is wrong with a file that was read nevertheless.
    private(set) var damage: String?

    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private let reader: OpaquePointer

    /// Reads the header.
    init(
        of bytes: [UInt8], format: PictureFormat, limits: ci_limits
    ) throws(ImagingError) {
        let held = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = unsafe held.initialize(fromContentsOf: bytes)
        var limits = limits
        var header = ci_header()
        var reader: OpaquePointer?
        let (status, message) = unsafe Self.withMessage { message in
            unsafe ci_open(
                format == .jpeg ? CI_JPEG : CI_PNG, held.baseAddress, held.count, &limits,
                &reader, &header, message)
        }
        guard let reader = unsafe reader else {
            unsafe held.deallocate()
            throw ImagingError(status: status, message: message)
        }
        self.header = header
        unsafe self.reader = reader
        unsafe self.bytes = held
    }

    deinit {
        unsafe ci_close(reader)
        unsafe bytes.deallocate()
    }

    /// The picture as it is stored.
    ///
    /// To be called once.
    func read() throws(ImagingError) -> Picture {
        try unsafe Picture(width: Int(header.width), height: Int(header.height)) {
            (pixels) throws(ImagingError) in
            let (status, message) = unsafe Self.withMessage { message in
                unsafe ci_read(reader, pixels, message)
            }
            switch ci_status(UInt32(status)) {
            case CI_OK: break
            case CI_DAMAGED: damage = message
            default: throw ImagingError(status: status, message: message)
            }
        }
    }

    /// How the picture is stored, known after reading.
    var orientation: Orientation {
        var count = 0
        guard let exif = unsafe ci_exif(reader, &count) else { return .upright }
        return unsafe Orientation(exif: Span(_unsafeStart: exif, count: count))
    }

    private static func withMessage(
        _ call: (UnsafeMutablePointer<CChar>) -> CInt
    ) -> (status: CInt, message: String) {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CI_MESSAGE)) { buffer in
            unsafe buffer.initialize(repeating: 0)
            guard let base = buffer.baseAddress else { return (CInt(CI_NO_MEMORY.rawValue), "") }
            let status = unsafe call(base)
            return (status, unsafe String(cString: base))
        }
    }
}

extension ImagingError {
    /// The error for a status of CImageCodecs.
    fileprivate init(status: CInt, message: String) {
        switch ci_status(UInt32(status)) {
        case CI_TOO_LARGE: self = .tooLarge(reason: message)
        case CI_UNSUPPORTED: self = .unsupportedFormat("this kind of picture (\(message))")
        case CI_NO_MEMORY: self = .outOfMemory
        default: self = .corrupt(reason: message)
        }
    }
}
