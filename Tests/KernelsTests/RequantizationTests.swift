import Kernels
import Tensors
import Testing

struct RequantizationTests {
    /// The bytes for accumulators `sums`, each multiplied by `multiplier`, of a layer whose
    /// biases are the accumulators.
    static func bytes(
        _ sums: [Int32], multiplier: Float, output: ActivationFormat, on table: KernelTable
    ) -> [UInt8] {
        let slot = ActivationSlot(at: 0, count: 4)
        let to = ActivationSlot(at: slot.stride, count: sums.count)
        let linear = IntegerLinear(
            weights: [Int8](repeating: 0, count: 4 * sums.count).span, bias: sums.span,
            weightScales: [Float](repeating: multiplier * output.scale, count: sums.count).span,
            from: slot, batch: 1, input: ActivationFormat(scale: 1, zeroPoint: 3), output: output,
            using: table)
        let arena = Arena(byteCount: slot.stride + to.stride)
        linear.run(in: arena, to: to, pictures: 1, panels: 0..<linear.panels)
        return arena.read(to, picture: 0)
    }

    @Test(arguments: KernelTable.supported)
    func tiesGoToTheEvenNeighbour(table: KernelTable) {
        // Halves: −2.5 … 2.5 around a zero point of 10.
        let format = ActivationFormat(scale: 1, zeroPoint: 10)
        let found = Self.bytes([-5, -3, -1, 1, 3, 5], multiplier: 0.5, output: format, on: table)
        #expect(found == [8, 8, 10, 10, 12, 12])
    }

    @Test(arguments: KernelTable.supported)
    func boundsClampBeforeTheZeroPointIsAdded(table: KernelTable) {
        let format = ActivationFormat(scale: 1, zeroPoint: 20, low: 15, high: 30)
        let sums: [Int32] = [-100, -6, -5, -4, 9, 10, 11, 100, .max, .min]
        let found = Self.bytes(sums, multiplier: 1, output: format, on: table)
        #expect(found == [15, 15, 15, 16, 29, 30, 30, 30, 30, 15])
    }

    @Test(arguments: KernelTable.supported)
    func hugeMultipliersSaturate(table: KernelTable) {
        let format = ActivationFormat(scale: 1, zeroPoint: 0)
        let found = Self.bytes(
            [.max, .min, 0], multiplier: 3e38, output: format, on: table)
        #expect(found == [255, 0, 0])
    }

    @Test(arguments: KernelTable.supported)
    func sumsBeyondFloatPrecisionRoundToEven(table: KernelTable) {
        // 2²⁴ + 1 has no Float32; both it and 2²⁴ + 3 go to the even neighbour before the
        // product: 2²⁴ and 2²⁴ + 4, in steps of 2.
        let format = ActivationFormat(scale: 1, zeroPoint: 0)
        let found = Self.bytes(
            [16_777_217, 16_777_219], multiplier: 0x1p-17, output: format, on: table)
        #expect(found == [128, 128])
        let fine = Self.bytes(
            [33_554_434, 33_554_435, 33_554_438], multiplier: 0x1p-18, output: format, on: table)
        #expect(fine == [128, 128, 128])
    }

    // Random accumulators and multipliers, against the definition.
    @Test(arguments: KernelTable.supported, 0..<20)
    func randomSumsAgree(table: KernelTable, seed: Int) {
        var random = SeededGenerator(seed: 77, stream: UInt64(seed))
        let format = random.format()
        let sums = (0..<257).map { _ in
            Int32(truncatingIfNeeded: random.next()) >> Int32(random.index(below: 31))
        }
        let multiplier = random.uniform(in: 1e-6...0.1)
        let m = Float(Double(1) * Double(multiplier * format.scale) / Double(format.scale))
        let found = Self.bytes(sums, multiplier: multiplier, output: format, on: table)
        #expect(found == sums.map { format.byte(Float($0) * m) }, "seed \(seed)")
    }

    @Test func pixelsGoThroughTheTable() {
        let normalized = (0..<768).map { (Float($0 % 256) / 255 - 0.5) / 0.25 }
        let format = ActivationFormat(scale: 4 / 255, zeroPoint: 128)
        let slot = ActivationSlot(at: 0, count: 6)
        let arena = Arena(byteCount: slot.stride)
        let pixels: [UInt8] = [0, 1, 127, 128, 254, 255]
        PixelTable(normalized: normalized, format: format).run(
            pixels.span, pixels: 0..<2, in: arena, to: slot, number: 0)
        #expect(
            arena.read(slot, picture: 0)
                == pixels.map { format.byte(normalized[Int($0)] / format.scale) })
    }
}
