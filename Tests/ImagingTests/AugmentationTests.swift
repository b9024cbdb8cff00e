import Imaging
import Tensors
import Testing

struct AugmentationTests {
    private static let seed: UInt64 = 2018

    private static func noise(width: Int, height: Int) -> Picture {
        var random = SeededGenerator(seed: seed)
        return Picture(
            width: width, height: height,
            pixels: (0..<(width * height * 3)).map { _ in UInt8(random.index(below: 256)) })
    }

    @Test(arguments: [Augmentation.deepCluster, .v2(), .v2(strength: 0.5, blur: 0.5)])
    func theSameSeedGivesTheSameView(augmentation: Augmentation) {
        let picture = Self.noise(width: 41, height: 30)
        var (one, other) = (SeededGenerator(seed: Self.seed), SeededGenerator(seed: Self.seed))
        let views = (0..<20).map { _ in
            augmentation.apply(to: picture, width: 28, height: 24, using: &one)
        }
        #expect(views.allSatisfy { $0.width == 28 && $0.height == 24 })
        #expect(Set(views.map(\.pixels)).count == 20)
        #expect(
            views
                == (0..<20).map { _ in
                    augmentation.apply(to: picture, width: 28, height: 24, using: &other)
                })
    }

    @Test(arguments: [RandomCrop.Shape.uniformOrSwapped, .logUniform])
    func cropsAreDrawnAsTorchvisionDrawsThem(shape: RandomCrop.Shape) {
        var random = SeededGenerator(seed: Self.seed)
        let crop = RandomCrop(scale: 0.08...1, shape: shape)
        let picture = Self.noise(width: 200, height: 200)
        let boxes = (0..<20_000).map { _ in crop.box(in: picture, using: &random) }
        #expect(boxes.allSatisfy { $0.fits(in: picture) })
        let areas = boxes.map { Double($0.width * $0.height) / 40_000 }
        let ratios = boxes.map { Double($0.width) / Double($0.height) }
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        // Means of 400,000 draws of torchvision's loops in Python; they are those of rectangles
        // that fit, so smaller than 0.54. The deviation of 20,000 draws' mean is 0.002.
        #expect(abs(mean(areas) - 0.480) < 0.008, "seed \(Self.seed)")
        #expect(abs(mean(ratios) - 1.0127) < 0.008, "seed \(Self.seed)")
        #expect((ratios.min() ?? 0) > 0.73 && (ratios.max() ?? 2) < 1.37)
        #expect((areas.min() ?? 0) > 0.075)
        // Positions lie evenly around the centre.
        #expect(abs(mean(boxes.map { Double($0.x) + Double($0.width) / 2 }) - 100) < 1)
        #expect(abs(mean(boxes.map { Double($0.y) + Double($0.height) / 2 }) - 100) < 1)
    }

    @Test func whereNoTryFitsTheCentreIsTaken() {
        var random = SeededGenerator(seed: Self.seed)
        let wide = Self.noise(width: 300, height: 3)
        let square = RandomCrop(scale: 1...1, shape: .uniformOrSwapped).box(
            in: wide, using: &random)
        #expect(square == PixelBox(x: 148, y: 0, width: 3, height: 3))
        let clamped = RandomCrop(scale: 1...1, shape: .logUniform).box(in: wide, using: &random)
        #expect(clamped == PixelBox(x: 148, y: 0, width: 4, height: 3))
    }

    @Test func evenOnePixelHasViews() {
        var random = SeededGenerator(seed: Self.seed)
        let pixel = Picture(width: 1, height: 1, pixels: [10, 20, 30])
        for _ in 0..<100 {
            let view = Augmentation.deepCluster.apply(
                to: pixel, width: 8, height: 8, using: &random)
            #expect(view.pixels.starts(with: [10, 20, 30]))
        }
    }

    @Test func flipsHappenHalfOfTheTime() {
        var random = SeededGenerator(seed: Self.seed)
        let row: [UInt8] = [0, 0, 0, 255, 255, 255]
        let half = Picture(width: 2, height: 2, pixels: row + row)
        let augmentation = Augmentation(crop: RandomCrop(scale: 1...1, shape: .logUniform))
        // Every rectangle of this area rounds to the whole picture.
        let flips = (0..<4000).filter { _ in
            let view = augmentation.apply(to: half, width: 2, height: 2, using: &random)
            return view.pixels[0] > view.pixels[3]
        }
        #expect(abs(flips.count - 2000) < 160, "seed \(Self.seed)")  // 5 standard deviations
    }

    @Test func greyPicturesHaveNoColour() {
        var random = SeededGenerator(seed: Self.seed)
        let view = Augmentation.v2(grayscale: 1).apply(
            to: Self.noise(width: 30, height: 30), width: 28, height: 28, using: &random)
        for pixel in stride(from: 0, to: view.pixels.count, by: 3) {
            #expect(Set(view.pixels[pixel..<(pixel + 3)]).count == 1)
        }
    }

    @Test func blurKeepsBrightnessAndSpreadsAPoint() {
        let plain = Picture(width: 9, height: 9, pixels: [UInt8](repeating: 93, count: 243))
        #expect(plain.blurred(radius: 1.7) == plain)
        #expect(plain.blurred(radius: 0.1) == plain)
        var pixels = [UInt8](repeating: 0, count: 21 * 21 * 3)
        pixels[(10 * 21 + 10) * 3] = 255
        let spread = Picture(width: 21, height: 21, pixels: pixels).blurred(radius: 1)
        // 255 / (2π) = 40.6 at the centre of a Gaussian of radius 1.
        #expect(abs(Int(spread.pixels[(10 * 21 + 10) * 3]) - 41) <= 1)
        #expect(spread.pixels[(10 * 21 + 9) * 3] == spread.pixels[(9 * 21 + 10) * 3])
        #expect(spread.pixels[(10 * 21 + 10) * 3 + 1] == 0)
    }

    @Test func theExponentialIsThatOfTheLibrary() {
        for (x, expected) in [
            (0.0, 1.0), (1, 2.718281828459045), (-4.5, 0.011108996538242306),
            (0.287682072451780901, 4.0 / 3), (-8, 0.00033546262790251185),
        ] {
            #expect(abs(exponential(x) / expected - 1) < 1e-13)
        }
    }
}
