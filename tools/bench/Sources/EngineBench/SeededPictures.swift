import ArgumentParser
import Foundation
import Model
import Tensors

/// `engine-bench pictures MODEL -o FILE`: pixels as a model takes them.
struct Pictures: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write seeded pictures as bytes, [count, height, width, 3].")

    @Argument(help: "A checkpoint, which says the size.")
    var model: String

    @Option(name: .shortAndLong, help: "The file.")
    var output: String

    @Option(help: "How many.")
    var count = 16

    @Option(help: "The seed.")
    var seed: UInt64 = 5

    func run() throws {
        let input = try Checkpoint(contentsOf: model).input
        let views = SeededPictures.views(
            count, height: input.height, width: input.width, seed: seed)
        try Data(views.elements).write(to: URL(filePath: output))
    }
}

/// Pictures with structure at every scale, as photographs have.
enum SeededPictures {
    /// The cells across the picture and the weight of each layer of noise; the weights fall
    /// with the frequency, as the amplitudes of natural pictures do (Field, 1987).
    private static let octaves: [(cells: Int, weight: Float)] = [
        (2, 90), (4, 60), (9, 40), (20, 25), (60, 14),
    ]

    /// `[count, height, width, 3]`.
    static func views(_ count: Int, height: Int, width: Int, seed: UInt64) -> Tensor<UInt8> {
        var pixels: [UInt8] = []
        for picture in 0..<count {
            var random = SeededGenerator(seed: seed, stream: UInt64(picture))
            var sums = [Float](repeating: 0, count: height * width * 3)
            for (cells, weight) in octaves {
                addNoise(to: &sums, height, width, cells: cells, weight: weight, using: &random)
            }
            pixels += sums.map { UInt8(min(max(127 + $0, 0), 255)) }
        }
        return Tensor(pixels, shape: [count, height, width, 3])
    }

    /// Adds a grid of random colours, interpolated between its points.
    private static func addNoise(
        to sums: inout [Float], _ height: Int, _ width: Int, cells: Int, weight: Float,
        using random: inout SeededGenerator
    ) {
        let side = cells + 1
        let grid = random.normals(side * side * 3, deviation: weight)
        for y in 0..<height {
            let (row, dy) = place(y, of: height, cells)
            for x in 0..<width {
                let (column, dx) = place(x, of: width, cells)
                for c in 0..<3 {
                    func at(_ r: Int, _ k: Int) -> Float { grid[(r * side + k) * 3 + c] }
                    let upper = at(row, column) * (1 - dx) + at(row, column + 1) * dx
                    let lower = at(row + 1, column) * (1 - dx) + at(row + 1, column + 1) * dx
                    sums[(y * width + x) * 3 + c] += upper * (1 - dy) + lower * dy
                }
            }
        }
    }

    private static func place(_ i: Int, of count: Int, _ cells: Int) -> (Int, Float) {
        let position = Float(i * cells) / Float(count)
        return (Int(position), position - position.rounded(.down))
    }
}
