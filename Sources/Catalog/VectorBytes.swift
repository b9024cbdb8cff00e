import Foundation

/// The form of a vector in the database: Float32, little-endian, one after the other.
enum VectorBytes {
    /// The bytes of `vector`.
    static func encode(_ vector: some Collection<Float>) -> Data {
        var data = Data(capacity: vector.count * 4)
        for element in vector {
            let bits = element.bitPattern.littleEndian
            unsafe withUnsafeBytes(of: bits) { unsafe data.append(contentsOf: $0) }
        }
        return data
    }

    /// The vector in `data`, or nil if its length is not that of `dimension` elements.
    static func decode(_ data: Data, dimension: Int) -> [Float]? {
        guard data.count == dimension * 4 else { return nil }
        return unsafe [Float](unsafeUninitializedCapacity: dimension) { buffer, count in
            unsafe data.withUnsafeBytes { bytes in
                for i in 0..<dimension {
                    let bits = unsafe bytes.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self)
                    unsafe buffer.initializeElement(
                        at: i, to: Float(bitPattern: UInt32(littleEndian: bits)))
                }
            }
            count = dimension
        }
    }
}
