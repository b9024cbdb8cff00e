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

    /// Converts some of the pixels of one picture, `[height, width, 3]`.
    package func run(
        _ picture: Span<UInt8>, pixels: Range<Int>, in arena: Arena, to slot: ActivationSlot,
        number: Int
    ) {
        precondition(
            picture.count == slot.count && pixels.lowerBound >= 0
                && pixels.upperBound * 3 <= picture.count,
            "pixels \(pixels) of \(picture.count) bytes to \(slot)")
        let out = unsafe arena.start(of: slot, picture: number)
        unsafe bytes.withUnsafeBufferPointer { table in
            unsafe picture.withUnsafeBufferPointer { picture in
                for i in stride(from: pixels.lowerBound * 3, to: pixels.upperBound * 3, by: 3) {
                    unsafe out[i] = table[Int(picture[i])]
                    unsafe out[i + 1] = table[256 + Int(picture[i + 1])]
                    unsafe out[i + 2] = table[512 + Int(picture[i + 2])]
                }
            }
        }
    }
}
