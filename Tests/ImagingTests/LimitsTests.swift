import Files
import Foundation
import Imaging
import Tensors
import TestSupport
import Testing

private let decoders = SharedData.unpacked("decoders.tar")

struct LimitsTests {
    private func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    @Test func pixelsAreCountedBeforeTheyAreRead() throws {
        let bytes = PNGWriter.encode(width: 10, height: 11, pixels: noise(330, seed: 1))
        let limits = DecodeLimits(maxPixels: 109, maxFileBytes: 10_000)
        let error = #expect(throws: ImagingError.self) {
            try Picture(decoding: bytes, limits: limits)
        }
        #expect(error?.description.contains("10×11") == true)
        let exact = DecodeLimits(maxPixels: 110, maxFileBytes: bytes.count)
        #expect(try Picture(decoding: bytes, limits: exact).height == 11)
    }

    @Test func whatIsWrittenIsRead() throws {
        let pixels = noise(7 * 5 * 3, seed: 2)
        let picture = try DecodedPicture(
            decoding: PNGWriter.encode(width: 7, height: 5, pixels: pixels))
        #expect(picture.picture == Picture(width: 7, height: 5, pixels: pixels))
        #expect(picture.damage == nil)
    }

    @Test(.enabled(if: decoders != nil, Comment(rawValue: SharedData.message)))
    func progressivePicturesHaveLimitsOfTheirOwn() throws {
        let path: FilePath = "\(decoders ?? "")/made/jpeg/progressive.jpg"
        var limits = DecodeLimits.standard
        // 240×160 in 4:2:0: 900 blocks of 128 bytes.
        limits.maxCoefficientBytes = 115_199
        #expect(throws: ImagingError.self) { try Picture(contentsOf: path, limits: limits) }
        limits.maxCoefficientBytes = 115_200
        #expect(try Picture(contentsOf: path, limits: limits).width == 240)
        limits.maxScans = 3
        #expect(throws: ImagingError.tooLarge(reason: "it has more than 3 scans")) {
            try Picture(contentsOf: path, limits: limits)
        }
    }

    @Test(
        .enabled(if: decoders != nil, Comment(rawValue: SharedData.message)),
        arguments: ["jpeg/plain.jpg", "jpeg/progressive.jpg", "jpeg/cmyk.jpg", "png/rgba16.png"])
    func randomDamageIsSurvived(name: String) throws {
        let path = URL(filePath: "\(decoders ?? "")/made/\(name)")
        let whole = try [UInt8](Data(contentsOf: path))
        var random = SeededGenerator(seed: 62)
        for _ in 0..<200 {
            var bytes = whole
            for _ in 0..<(1 + random.index(below: 8)) {
                // Half of the hits in the header, where they do the most.
                let span = random.next() & 1 == 0 ? min(700, bytes.count) : bytes.count
                bytes[random.index(below: span)] = UInt8(truncatingIfNeeded: random.next())
            }
            if random.index(below: 4) == 0 { bytes.removeLast(random.index(below: bytes.count)) }
            let limits = DecodeLimits(maxPixels: 1_000_000, maxFileBytes: 1 << 20)
            do throws(ImagingError) {
                let picture = try Picture(decoding: bytes, limits: limits)
                #expect(picture.pixels.count == picture.width * picture.height * 3)
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }
}
