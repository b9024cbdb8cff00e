/// The first step of a network: u8 RGB pixels become u8 activations through one table a channel.
package struct PixelTable: Sendable {
    private let bytes: [UInt8]

    /// Quantizes the normalized value of every pixel value.
    ///
    /// - Parameters:
    ///   - normalized: `[3, 256]`: channel by channel, the value of each pixel value.
    ///   - format: How the network's input is to be written.
    package init(normalized: [Float], format: ActivationFormat) {
        precondition(normalized.count == 768, "\(normalized.count) values for 3 × 256")
        bytes = normalized.map { format.quantized($0) }
    }

    /// Converts one picture, `[height, width, 3]`.
    package func run(_ pixels: Span<UInt8>, in arena: Arena, to slot: ActivationSlot, picture: Int)
    {
        precondition(
            pixels.count == slot.count && pixels.count % 3 == 0, "\(pixels.count) bytes to \(slot)")
        let out = unsafe arena.start(of: slot, picture: picture)
        unsafe bytes.withUnsafeBufferPointer { table in
            unsafe pixels.withUnsafeBufferPointer { pixels in
                for i in stride(from: 0, to: pixels.count, by: 3) {
                    unsafe out[i] = table[Int(pixels[i])]
                    unsafe out[i + 1] = table[256 + Int(pixels[i + 1])]
                    unsafe out[i + 2] = table[512 + Int(pixels[i + 2])]
                }
            }
        }
    }
}
