import Foundation
import Kernels
import Tensors
import Testing

/// Random layers of every kind: each row of the kernel table that this CPU can run gives, bit for
/// bit, what plain loops over the arithmetic contract give.
///
/// 10,000 cases take two seconds; `DC_FUZZ_CASES` asks for more or fewer, `DC_FUZZ_SEED` draws
/// others. A failure names both numbers that draw its case again.
struct LayerFuzzTests {
    static let cases = number("DC_FUZZ_CASES") ?? 10_000
    static let seed = UInt64(number("DC_FUZZ_SEED") ?? 2012)

    // Stretches and not single cases: nobody reads a report of 10,000 lines.
    static let stretches = stride(from: 0, to: cases, by: 100).map { $0..<min($0 + 100, cases) }

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    @Test(arguments: stretches)
    func everyRowGivesTheDefinedBytes(stretch: Range<Int>) {
        for index in stretch {
            var random = SeededGenerator(seed: Self.seed, stream: UInt64(index))
            let layer = Self.layer(&random)
            let expected = layer.expected()
            let cut = random.uniform()
            for table in KernelTable.supported {
                let found = layer.run(on: table, cut: cut)
                #expect(
                    found == expected,
                    "seed \(Self.seed), case \(index), row \(table): \(layer.summary)")
            }
        }
    }

    /// A layer whose work stays small, however its extents fall: the reference row is plain Swift.
    private static func layer(_ random: inout SeededGenerator) -> any LayerCase {
        let budget = random.pick([2_000, 20_000, 200_000])
        switch random.index(below: 20) {
        case 0..<12: return convolution(&random, budget: budget)
        case 12..<15: return LinearCase(&random, budget: budget)
        case 15..<18: return PoolCase(&random, budget: budget)
        default: return AdditionCase(&random)
        }
    }

    private static func convolution(
        _ random: inout SeededGenerator, budget: Int
    ) -> ConvolutionCase {
        while true {
            let geometry = geometry(&random)
            guard geometry.positions * geometry.weights <= budget else { continue }
            var layer = ConvolutionCase(
                geometry, limit: random.pick([1, 63, 64, 127]), using: &random)
            layer.makeExtreme(&random)
            return layer
        }
    }

    /// A geometry with any remainder of tiles, panels and quads, kernels that are larger than the
    /// map, and windows that lie outside it altogether.
    private static func geometry(_ random: inout SeededGenerator) -> ConvolutionGeometry {
        let square = random.pick([1, 1, 2, 3, 3, 3, 3, 4, 5, 7, 11])
        let kernel =
            random.index(below: 4) > 0
            ? (square, square) : (1 + random.index(below: 7), 1 + random.index(below: 7))
        var (groups, channels, outputs) = (1, random.extent(most: 80), random.extent(most: 80))
        switch random.index(below: 8) {
        case 0, 1: (groups, outputs) = (channels, channels)  // depthwise
        case 2: (groups, outputs) = (channels, channels * 2)
        case 3:
            groups = 1 + random.index(below: 5)
            (channels, outputs) = (
                groups * random.extent(most: 20), groups * random.extent(most: 40)
            )
        case 4: channels = 1 + random.index(below: 4)  // the first layer of a network
        default: break
        }
        func edges(_ kernel: Int) -> (Int, Int) {
            switch random.index(below: 4) {
            case 0: (0, 0)
            case 1: (kernel / 2, kernel / 2)
            case 2: (0, kernel / 2)  // TensorFlow's "same" at stride 2
            default: (random.index(below: kernel + 2), random.index(below: kernel + 2))
            }
        }
        let ((top, bottom), (left, right)) = (edges(kernel.0), edges(kernel.1))
        return ConvolutionGeometry(
            height: max(1, kernel.0 - top - bottom) + random.index(below: 14),
            width: max(1, kernel.1 - left - right) + random.index(below: 14),
            channels: channels, outputs: outputs, kernelHeight: kernel.0, kernelWidth: kernel.1,
            stride: random.pick([1, 1, 1, 2, 2, 3, 4]), padding: (top, left, bottom, right),
            groups: groups)
    }
}

extension SeededGenerator {
    /// An extent of 1 to `most`, small ones and multiples of 16 being likelier than others.
    mutating func extent(most: Int) -> Int {
        switch index(below: 4) {
        case 0: 1 + index(below: min(most, 5))
        case 1: max(1, 16 * (1 + index(below: max(1, most / 16))) - index(below: 3) + 1)
        default: 1 + index(below: most)
        }
    }
}

extension ConvolutionCase {
    /// Turns some layers into ones at the edge of what numbers can hold.
    fileprivate mutating func makeExtreme(_ random: inout SeededGenerator) {
        switch random.index(below: 8) {
        case 0:  // the largest sums
            let weight = filters.map { abs($0) }.max() ?? 1
            filters = filters.map { $0 < 0 ? -weight : weight }
            activations = activations.map { $0 < 128 ? 0 : 255 }
        case 1:  // biases as large as the format takes, where Float has no unit digit left
            let depth = filters.count / bias.count
            bias = bias.indices.map { channel in
                let weights = filters[channel * depth..<(channel + 1) * depth]
                let room = Int(Int32.max) - 255 * weights.reduce(0) { $0 + abs(Int($1)) }
                return Int32(room) * (random.index(below: 2) == 0 ? 1 : -1)
            }
        case 2, 3:  // multipliers that are powers of two, so that many results are halves
            input = ActivationFormat(
                scale: 1, zeroPoint: input.zeroPoint, low: input.low, high: input.high)
            output = ActivationFormat(
                scale: 2, zeroPoint: output.zeroPoint, low: output.low, high: output.high)
            let shift = random.index(below: 14)
            scales = scales.map { _ in 1 / Float(1 << shift) }
        default: break
        }
    }
}
