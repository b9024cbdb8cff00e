public import Foundation

/// Stands for swift-crypto's SHA-256 where only the interface is needed: 32 bytes of a checksum.
public struct SHA256 {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    /// An empty checksum.
    public init() {}

    /// Takes more bytes in.
    public mutating func update(data: some DataProtocol) {
        for byte in data { mix(byte) }
    }

    /// The checksum of all bytes.
    public func finalize() -> [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: state >> (8 * ($0 % 8))) }
    }

    /// The checksum of `data`.
    public static func hash(data: some DataProtocol) -> [UInt8] {
        var digest = SHA256()
        digest.update(data: data)
        return digest.finalize()
    }

    private mutating func mix(_ byte: UInt8) {
        state = (state ^ UInt64(byte)) &* 0x100_0000_01B3
    }
}
