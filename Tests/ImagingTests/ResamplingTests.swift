import Imaging
import Model
import Tensors
import Testing

struct ResamplingTests {
    /// A picture of one row whose three channels are alike.
    private static func row(_ values: [UInt8]) -> Picture {
        Picture(width: values.count, height: 1, pixels: values.flatMap { [$0, $0, $0] })
    }

    private static func noise(width: Int, height: Int, seed: UInt64 = 1807) -> Picture {
        var random = SeededGenerator(seed: seed)
        return Picture(
            width: width, height: height,
            pixels: (0..<(width * height * 3)).map { _ in UInt8(random.index(below: 256)) })
    }

    // METHOD section 8, measured with Pillow 13.
    @Test(
        arguments: [
            ((0..<16).map { $0 % 2 == 0 ? 255 : 0 }, [137, 128, 128, 118]),
            ((0..<16).map { $0 == 5 ? 255 : 0 }, [9, 56, 0, 0]),
            ((0..<16).map { UInt8($0 * 16) }, [30, 88, 152, 210]),
            ((0..<16).map { UInt8($0 * 16) }, [18, 56, 98, 142, 184, 222]),
        ] as [([UInt8], [UInt8])])
    func oneRowEqualsPillow(values: [UInt8], expected: [UInt8]) {
        let shrunk = Self.row(values).resized(width: expected.count, height: 1)
        #expect(shrunk == Self.row(expected))
    }

    /// Shrunk and enlarged, from a box and with a window, with sides that fill no register.
    @Test(
        .enabled(if: Resampler.hasAVX2, "this processor lacks AVX2"),
        arguments: [(1, 1), (2, 40), (5, 3), (9, 9), (17, 23), (64, 31), (150, 7)])
    func instructionsDoNotChangeThePixels(width: Int, height: Int) {
        let seed = UInt64.random(in: 0...999_999)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<30 {
            let white = random.index(below: 4) == 0
            var picture = Self.noise(width: width, height: height, seed: random.next())
            if white {
                picture = Picture(
                    width: width, height: height,
                    pixels: [UInt8](repeating: 255, count: width * height * 3))
            }
            let box = Self.part(ofWidth: width, height: height, &random)
            let (columns, rows) = (1 + random.index(below: 90), 1 + random.index(below: 90))
            let window = Self.part(ofWidth: columns, height: rows, &random)
            let views = [true, false].map {
                Resampler(source: box, width: columns, height: rows, window: window, usesAVX2: $0)
                    .resample(picture)
            }
            #expect(views[0] == views[1], "\(box) to \(columns)×\(rows), \(window), seed \(seed)")
            if white { #expect(views[0].pixels.allSatisfy { $0 == 255 }) }
        }
    }

    private static func part(
        ofWidth width: Int, height: Int, _ random: inout SeededGenerator
    ) -> PixelBox {
        let (x, y) = (random.index(below: width), random.index(below: height))
        return PixelBox(
            x: x, y: y, width: 1 + random.index(below: width - x),
            height: 1 + random.index(below: height - y))
    }

    @Test func theSameSizeIsTheSamePicture() {
        let picture = Self.noise(width: 19, height: 7)
        #expect(picture.resized(width: 19, height: 7) == picture)
    }

    @Test func aBoxIsACropThatIsResized() {
        let picture = Self.noise(width: 40, height: 33)
        let cropped = picture.cropped(x: 5, y: 9, width: 21, height: 17)
        #expect(
            picture.resized(x: 5, y: 9, width: 21, height: 17, toWidth: 12, height: 30)
                == cropped.resized(width: 12, height: 30))
    }

    @Test(arguments: [(400, 533), (533, 400), (60, 60), (31, 500), (10, 7)])
    func theCenterViewIsTheCentreOfTheWholeResized(width: Int, height: Int) {
        let picture = Self.noise(width: width, height: height)
        let input = InputSpecification(width: 56, height: 48, shortSide: 64)
        let (short, long) = (min(width, height), max(width, height))
        let longSide = 64 * long / short
        let (columns, rows) = width <= height ? (64, longSide) : (longSide, 64)
        let whole = picture.resized(width: columns, height: rows)
        let x = Int((Double(columns - 56) / 2).rounded(.toNearestOrEven))
        let y = Int((Double(rows - 48) / 2).rounded(.toNearestOrEven))
        #expect(
            picture.centerView(for: input) == whole.cropped(x: x, y: y, width: 56, height: 48))
    }

    @Test func anExtremelyWidePictureCostsNoMore() {
        let picture = Self.row([UInt8](repeating: 77, count: 100_000))
        let view = picture.centerView(for: .square(224))
        #expect((view.width, view.height) == (224, 224))
        #expect(view.pixels.allSatisfy { $0 == 77 })
    }

    @Test func flippingTwiceGivesThePictureBack() {
        let picture = Self.noise(width: 9, height: 4)
        let flipped = picture.flippedHorizontally()
        #expect(flipped != picture)
        #expect(flipped.pixels[0..<3] == picture.pixels[24..<27])
        #expect(flipped.flippedHorizontally() == picture)
    }
}
