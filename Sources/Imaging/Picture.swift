/// A picture in memory: red, green, blue, 8 bits each, upright.
public struct Picture: Sendable, Equatable {
    /// The number of columns, at least 1.
    public let width: Int
    /// The number of rows, at least 1.
    public let height: Int
    /// The pixels, `[height, width, 3]` row-major.
    public let pixels: [UInt8]

    /// A picture of the given pixels.
    ///
    /// - Parameters:
    ///   - width: The number of columns, at least 1.
    ///   - height: The number of rows, at least 1.
    ///   - pixels: `[height, width, 3]` row-major.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "a picture of \(width)×\(height)")
        precondition(
            pixels.count == width * height * 3,
            "\(pixels.count) bytes for a picture of \(width)×\(height)")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// A picture whose pixels are written by `fill`, all `width` · `height` · 3 of them.
    init<Failure: Error>(
        width: Int, height: Int,
        writing fill: (UnsafeMutablePointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        let count = width * height * 3
        var failure: Failure?
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(Failure) {
                if let base = buffer.baseAddress { try unsafe fill(base) }
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        self.init(width: width, height: height, pixels: pixels)
    }

    /// The part of the picture whose upper left corner is (`x`, `y`).
    public func cropped(x: Int, y: Int, width: Int, height: Int) -> Picture {
        precondition(
            PixelBox(x: x, y: y, width: width, height: height).fits(in: self),
            "\(width)×\(height) at (\(x), \(y)) in a picture of \(self.width)×\(self.height)")
        var result: [UInt8] = []
        result.reserveCapacity(width * height * 3)
        for row in y..<(y + height) {
            let start = (row * self.width + x) * 3
            result += pixels[start..<(start + width * 3)]
        }
        return Picture(width: width, height: height, pixels: result)
    }

    /// The picture as seen in a mirror: left and right are exchanged.
    public func flippedHorizontally() -> Picture { upright(from: .mirrored) }
}

/// A rectangle of whole pixels.
package struct PixelBox: Equatable {
    package var x, y, width, height: Int

    package init(x: Int, y: Int, width: Int, height: Int) {
        (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }

    package func fits(in picture: Picture) -> Bool {
        x >= 0 && y >= 0 && width > 0 && height > 0
            && width <= picture.width - x && height <= picture.height - y
    }
}
