import Foundation
import TestSupport

/// Small pictures of four kinds that a network can tell apart: stripes across, stripes along, a
/// chessboard and a disc, each in colours and sizes of its own.
enum SyntheticPictures {
    static let side = 28

    /// Picture number `index`, always the same, as a PNG file.
    static func png(_ index: Int) -> [UInt8] {
        // SplitMix64: every picture's numbers follow from its index.
        var state = UInt64(index) &* 0x9E37_79B9_7F4A_7C15
        func random(_ bound: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ (z >> 31)) % UInt64(bound))
        }
        let (light, dark) = (
            (0..<3).map { _ in 150 + random(106) }, (0..<3).map { _ in random(90) }
        )
        let (period, shift) = (3 + random(5), random(8))
        var pixels: [UInt8] = []
        for y in 0..<side {
            for x in 0..<side {
                let isLight =
                    switch index % 4 {
                    case 0: (y + shift) / period % 2 == 0
                    case 1: (x + shift) / period % 2 == 0
                    case 2: ((x + shift) / period + y / period) % 2 == 0
                    default: (x - 14) * (x - 14) + (y - 14) * (y - 14) < 9 * period * period / 2
                    }
                for channel in 0..<3 {
                    let value = (isLight ? light : dark)[channel] + random(20) - 10
                    pixels.append(UInt8(min(max(value, 0), 255)))
                }
            }
        }
        return PNGWriter.encode(width: side, height: side, pixels: pixels)
    }

    /// Writes pictures into `folder`, ten to a sub-folder, and gives their paths.
    @discardableResult
    static func write(_ indices: Range<Int>, to folder: String) throws -> [String] {
        try indices.map { index in
            let parent = "\(folder)/\(index / 10)"
            try FileManager.default.createDirectory(
                atPath: parent, withIntermediateDirectories: true)
            let path = "\(parent)/picture-\(index).png"
            try Data(png(index)).write(to: URL(filePath: path), options: .atomic)
            return path
        }
    }
}
