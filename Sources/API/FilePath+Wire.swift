public import Files
import FoundationEssentials

/// A picture's path on the wire: two fields, `path` for people and, only where the bytes are not
/// UTF-8, `path_base64` with the exact bytes.
extension FilePath {
    /// The bytes in base64, or nil where the text already says them all.
    public var base64: String? {
        Array(description.utf8) == bytes ? nil : Data(bytes).base64EncodedString()
    }

    /// The path that the two fields of a payload name, or nil if `base64` is not base64.
    public init?(path: String, base64: String?) {
        guard let base64 else {
            self.init(path)
            return
        }
        guard let exact = Data(base64Encoded: base64) else { return nil }
        self.init(bytes: Array(exact))
    }
}

extension FilePath {
    /// The path as the value of a URL's query item: everything but unreserved characters and `/`
    /// percent-encoded, byte by byte (RFC 3986 section 2).
    public var percentEncoded: String {
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            if Self.isUnreserved(byte) || byte == UInt8(ascii: "/") {
                text.append(byte)
            } else {
                text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Decodes a percent-encoded path, or gives nil where a `%` lacks its two digits.
    public init?(percentEncoded text: some StringProtocol) {
        var decoded: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Self.digit),
                let low = rest.popFirst().flatMap(Self.digit)
            else { return nil }
            decoded.append(high << 4 | low)
        }
        self.init(bytes: decoded)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// A payload that names a picture by its path.
public protocol Located {
    /// The path for display.
    var path: String { get }
    /// The exact bytes in base64, where `path` cannot say them.
    var pathBase64: String? { get }
}

extension Located {
    /// The exact path that the two fields name.
    public var location: FilePath {
        FilePath(path: path, base64: pathBase64) ?? FilePath(path)
    }
}
