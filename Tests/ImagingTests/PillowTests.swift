import Foundation
import Imaging
import Model
import Testing

/// Comparison with Pillow, byte for byte; `tools/golden/imaging.py` writes the fixture.
struct PillowTests {
    struct Fixture: Decodable {
        struct Resize: Decodable {
            let from, to: [Int]
            let sha256: String
        }
        struct Change: Decodable {
            let change: String
            let factor: Float
            let sha256: String
        }
        let resizes: [Resize]
        let changes: [Change]
    }

    private let fixture: Fixture

    init() throws {
        let file = try #require(
            Bundle.module.url(
                forResource: "pillow", withExtension: "json", subdirectory: "Fixtures"))
        fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file))
    }

    /// The fixture's picture: the bytes of a linear congruential generator.
    private func noise(width: Int, height: Int) -> Picture {
        var state: UInt32 = 1807
        let pixels = (0..<(width * height * 3)).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        return Picture(width: width, height: height, pixels: pixels)
    }

    private func digest(_ pixels: [UInt8]) -> String {
        FileDigest.sha256(pixels)
    }

    @Test func resizingGivesPillowsBytes() {
        for row in fixture.resizes {
            let resized = noise(width: row.from[0], height: row.from[1])
                .resized(width: row.to[0], height: row.to[1])
            #expect(digest(resized.pixels) == row.sha256, "\(row.from) to \(row.to)")
        }
        #expect(fixture.resizes.count == 8)
    }

    @Test func changesOfColourGivePillowsBytes() {
        for row in fixture.changes {
            var pixels = noise(width: 97, height: 61).pixels
            switch row.change {
            case "brightness": pixels.changeBrightness(by: row.factor)
            case "contrast": pixels.changeContrast(by: row.factor)
            case "saturation": pixels.changeSaturation(by: row.factor)
            default: pixels.shiftHue(by: row.factor)
            }
            #expect(digest(pixels) == row.sha256, "\(row.change) by \(row.factor)")
        }
        #expect(fixture.changes.count == 24)
    }
}
