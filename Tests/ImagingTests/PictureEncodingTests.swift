import Imaging
import Tensors
import Testing

struct PictureEncodingTests {
    private static func noise(_ width: Int, _ height: Int, seed: UInt64) -> Picture {
        var random = SeededGenerator(seed: seed)
        let pixels = (0..<width * height * 3).map { _ in UInt8(random.index(below: 256)) }
        return Picture(width: width, height: height, pixels: pixels)
    }

    @Test(arguments: [(1, 1), (7, 3), (64, 48), (300, 2)])
    func pngKeepsEveryBit(width: Int, height: Int) throws {
        let picture = Self.noise(width, height, seed: 4)
        #expect(try DecodedPicture(decoding: picture.png()).picture == picture)
    }

    @Test func jpegKeepsWhatIsSeen() throws {
        // A smooth picture: the worst pixel of quality 95 is off by a few levels.
        let pixels = (0..<40 * 24).flatMap { index -> [UInt8] in
            let (x, y) = (index % 40, index / 40)
            return [UInt8(x * 6), UInt8(y * 10), UInt8(120 + x)]
        }
        let picture = Picture(width: 40, height: 24, pixels: pixels)
        let found = try DecodedPicture(decoding: picture.jpeg(quality: 95)).picture
        #expect(found.width == 40 && found.height == 24)
        let worst = zip(found.pixels, pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
        #expect(worst < 16)
        #expect(try picture.jpeg(quality: 40).count < picture.jpeg(quality: 95).count)
    }

    // Noise is what a codec makes longer, not shorter.
    @Test func noiseOfTheHighestQualityFits() throws {
        let picture = Self.noise(257, 131, seed: 5)
        let bytes = try picture.jpeg(quality: 100)
        let found = try DecodedPicture(decoding: bytes).picture
        #expect(found.width == 257 && found.height == 131)
    }

    @Test func aSideTooLongIsRefused() {
        let strip = Picture(
            width: 65_501, height: 1, pixels: [UInt8](repeating: 0, count: 3 * 65_501))
        #expect(throws: ImagingError.self) { try strip.jpeg() }
        #expect(throws: ImagingError.self) { try strip.png() }
    }
}
