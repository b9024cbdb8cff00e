import Kernels
import Tensors
import Testing

struct PoolTests {
    /// Runs a pooling layer on one picture, in two parts.
    static func run(
        _ pool: IntegerPool, on activations: [UInt8], splitAt cut: Int = 0
    ) -> [UInt8] {
        let g = pool.geometry
        let from = ActivationSlot(at: 0, count: activations.count, margin: g.channels)
        let to = ActivationSlot(at: from.stride, count: g.outputHeight * g.outputWidth * g.channels)
        let arena = Arena(byteCount: from.stride + to.stride)
        arena.write(activations.span, to: from, picture: 0)
        for rows in [0..<cut, cut..<g.outputHeight] {
            pool.run(in: arena, from: from, to: to, picture: 0, rows: rows)
        }
        return arena.read(to, picture: 0)
    }

    /// Every window's values inside the map, by output element.
    static func windows(_ g: PoolGeometry, _ activations: [UInt8]) -> [[Int]] {
        var result: [[Int]] = []
        for oy in 0..<g.outputHeight {
            for ox in 0..<g.outputWidth {
                for c in 0..<g.channels {
                    var window: [Int] = []
                    for y in oy * g.stride - g.top..<oy * g.stride - g.top + g.kernelHeight
                    where (0..<g.height).contains(y) {
                        for x in ox * g.stride - g.left..<ox * g.stride - g.left + g.kernelWidth
                        where (0..<g.width).contains(x) {
                            window.append(Int(activations[(y * g.width + x) * g.channels + c]))
                        }
                    }
                    result.append(window)
                }
            }
        }
        return result
    }

    @Test(arguments: 0..<60)
    func everyRowGivesTheDefinedBytes(seed: Int) {
        var random = SeededGenerator(seed: 9, stream: UInt64(seed))
        let kernel = random.pick([1, 2, 3, 5])
        func edge() -> Int { random.index(below: kernel) }
        let g = PoolGeometry(
            height: kernel + random.index(below: 9), width: kernel + random.index(below: 9),
            channels: random.pick([1, 7, 16, 31, 64, 70]), kernelHeight: kernel,
            kernelWidth: kernel, stride: 1 + random.index(below: 3),
            padding: (edge(), edge(), edge(), edge()))
        let activations = random.bytes(g.height * g.width * g.channels)
        let windows = Self.windows(g, activations)
        let (input, output) = (random.format(), random.format())
        let cut = random.index(below: g.outputHeight + 1)
        for table in KernelTable.supported {
            #expect(
                Self.run(IntegerPool(maximum: g, using: table), on: activations, splitAt: cut)
                    == windows.map { UInt8($0.max() ?? 0) }, "seed \(seed), row \(table)")
            for countsPadding in [true, false] {
                let expected = windows.map { window in
                    let n = countsPadding ? kernel * kernel : window.count
                    let sum = window.reduce(0) { $0 + $1 - input.zeroPoint }
                    return output.byte(
                        Float(sum) * Float(Double(input.scale) / (Double(n) * Double(output.scale)))
                    )
                }
                let pool = IntegerPool(
                    average: g, countsPadding: countsPadding, input: input, output: output,
                    using: table)
                #expect(
                    Self.run(pool, on: activations, splitAt: cut) == expected,
                    "seed \(seed), row \(table), counts padding: \(countsPadding)")
            }
        }
    }

    // By hand: 2×2 windows over [1 2; 3 4] padded by 1, stride 2. Each window sees one value.
    @Test(arguments: KernelTable.supported)
    func bordersByHand(table: KernelTable) {
        let g = PoolGeometry(
            height: 2, width: 2, channels: 1, kernelHeight: 2, kernelWidth: 2, stride: 2,
            padding: (1, 1, 1, 1))
        let format = ActivationFormat(scale: 1, zeroPoint: 0)
        func average(_ countsPadding: Bool) -> [UInt8] {
            Self.run(
                IntegerPool(
                    average: g, countsPadding: countsPadding, input: format, output: format,
                    using: table), on: [4, 8, 12, 16])
        }
        #expect(
            Self.run(IntegerPool(maximum: g, using: table), on: [4, 8, 12, 16]) == [4, 8, 12, 16])
        #expect(average(true) == [1, 2, 3, 4])
        #expect(average(false) == [4, 8, 12, 16])
    }

    @Test(arguments: KernelTable.supported)
    func globalAverage(table: KernelTable) {
        // 3 × 5 positions of 18 channels, channel c holding c everywhere but once c + 15.
        let activations = (0..<15).flatMap { position in
            (0..<18).map { UInt8($0 + (position == 7 ? 15 : 0)) }
        }
        let format = ActivationFormat(scale: 0.5, zeroPoint: 0)
        let pool = IntegerPool(
            average: .global(height: 3, width: 5, channels: 18), countsPadding: true,
            input: format, output: format, using: table)
        #expect(Self.run(pool, on: activations) == (1...18).map { UInt8($0) })
    }

    @Test(arguments: KernelTable.supported, 0..<20)
    func additionAgrees(table: KernelTable, seed: Int) {
        var random = SeededGenerator(seed: 21, stream: UInt64(seed))
        let layer = AdditionCase(&random)
        #expect(layer.run(on: table, cut: random.uniform()) == layer.expected(), "seed \(seed)")
    }
}
