import Imaging
import Tensors
import Testing

struct OrientationTests {
    /// An EXIF block of one directory with the given entries, each 12 bytes.
    private static func block(_ entries: [[UInt8]], isLittleEndian: Bool) -> [UInt8] {
        let count = UInt8(entries.count)
        let head: [UInt8] =
            isLittleEndian
            ? [0x49, 0x49, 42, 0, 8, 0, 0, 0, count, 0] : [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, count]
        return head + entries.joined()
    }

    private static func little(_ value: UInt8) -> [UInt8] {
        block([[0x12, 0x01, 3, 0, 1, 0, 0, 0, value, 0, 0, 0]], isLittleEndian: true)
    }

    private static func big(_ value: UInt8) -> [UInt8] {
        block([[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0]], isLittleEndian: false)
    }

    @Test(arguments: Orientation.allCases)
    func bothByteOrdersAreRead(orientation: Orientation) {
        let value = UInt8(orientation.rawValue)
        #expect(Orientation(exif: Self.little(value).span) == orientation)
        #expect(Orientation(exif: Self.big(value).span) == orientation)
    }

    @Test func theTagIsFoundBehindOthers() {
        let other: [UInt8] = [0x0F, 0x01, 2, 0, 200, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]
        let wanted: [UInt8] = [0x12, 0x01, 4, 0, 1, 0, 0, 0, 6, 0, 0, 0]
        let block = Self.block([other, wanted], isLittleEndian: true)
        #expect(Orientation(exif: block.span) == .quarterTurn)
    }

    @Test(arguments: [0, 9, 255] as [UInt8])
    func undefinedValuesCountAsUpright(value: UInt8) {
        #expect(Orientation(exif: Self.little(value).span) == .upright)
    }

    @Test func everyCutIsSurvived() {
        let whole = Self.big(8)
        for count in 0..<whole.count {
            let found = Orientation(exif: Array(whole.prefix(count)).span)
            // The value's two bytes are the last that count.
            #expect(found == (count >= whole.count - 2 ? .threeQuarterTurn : .upright))
        }
    }

    @Test func noiseIsSurvived() {
        var random = SeededGenerator(seed: 112)
        for _ in 0..<20_000 {
            var block = random.next() & 1 == 0 ? Self.little(6) : Self.big(6)
            for _ in 0..<(1 + random.index(below: 4)) {
                block[random.index(below: block.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = Orientation(exif: block.span)
        }
    }

    // The picture has the rows 1 2 3 and 4 5 6; this is what each orientation makes of it.
    @Test(
        arguments: [
            (.upright, 3, [1, 2, 3, 4, 5, 6]), (.mirrored, 3, [3, 2, 1, 6, 5, 4]),
            (.halfTurn, 3, [6, 5, 4, 3, 2, 1]), (.flipped, 3, [4, 5, 6, 1, 2, 3]),
            (.transposed, 2, [1, 4, 2, 5, 3, 6]), (.quarterTurn, 2, [4, 1, 5, 2, 6, 3]),
            (.transversed, 2, [6, 3, 5, 2, 4, 1]), (.threeQuarterTurn, 2, [3, 6, 2, 5, 1, 4]),
        ] as [(Orientation, Int, [UInt8])])
    func picturesAreTurned(orientation: Orientation, width: Int, expected: [UInt8]) {
        let picture = Picture(
            width: 3, height: 2, pixels: [1, 2, 3, 4, 5, 6].flatMap { [$0, $0, $0] })
        let turned = picture.upright(from: orientation)
        #expect(turned.width == width)
        #expect(turned.pixels == expected.flatMap { [$0, $0, $0] })
    }
}
