import Kernels
import Tensors
import Testing

struct ConvolutionTests {
    /// A random geometry, small, but with every remainder of tiles, panels and quads.
    static func geometry(_ random: inout SeededGenerator) -> ConvolutionGeometry {
        let (kernelHeight, kernelWidth) = (
            random.pick([1, 2, 3, 3, 5]), random.pick([1, 3, 3, 4])
        )
        var (groups, channels, outputs) = (
            1, 1 + random.index(below: 40), 1 + random.index(below: 70)
        )
        switch random.index(below: 4) {
        case 0: (groups, outputs) = (channels, channels)  // depthwise
        case 1:
            groups = 1 + random.index(below: 4)
            channels = groups * (1 + random.index(below: 12))
            outputs = groups * (1 + random.index(below: 20))
        case 2: channels = 1 + random.index(below: 5)
        default: break
        }
        func edge(_ kernel: Int) -> Int { random.index(below: kernel + 1) }
        return ConvolutionGeometry(
            height: kernelHeight + random.index(below: 8),
            width: kernelWidth + random.index(below: 8), channels: channels, outputs: outputs,
            kernelHeight: kernelHeight, kernelWidth: kernelWidth,
            stride: random.pick([1, 1, 2, 3]),
            padding: (
                edge(kernelHeight), edge(kernelWidth), edge(kernelHeight), edge(kernelWidth)
            ), groups: groups)
    }

    @Test(arguments: 0..<300)
    func everyRowGivesTheDefinedBytes(seed: Int) {
        var random = SeededGenerator(seed: 1903, stream: UInt64(seed))
        let geometry = Self.geometry(&random)
        let layer = ConvolutionCase(geometry, limit: random.pick([63, 127]), using: &random)
        let expected = layer.expected()
        for table in KernelTable.supported {
            let found = layer.run(on: table, splitAt: random.index(below: geometry.positions + 1))
            #expect(found == expected, "seed \(seed), row \(table), \(geometry)")
        }
    }

    // A real layer's extents: more rows than a cache block, panels in every grouping.
    @Test(arguments: KernelTable.supported, [(64, 30), (96, 16), (80, 17)])
    func largerMapsAgree(table: KernelTable, size: (channels: Int, side: Int)) {
        var random = SeededGenerator(seed: 11)
        let geometry = ConvolutionGeometry(
            height: size.side, width: size.side, channels: 32, outputs: size.channels,
            kernelHeight: 3, kernelWidth: 3, padding: (1, 1, 1, 1))
        let layer = ConvolutionCase(geometry, limit: 127, using: &random)
        #expect(layer.run(on: table) == layer.run(on: .reference))
    }

    // The largest sums of two products: 2 · 255 · 63 is the most that int16 can hold, and
    // weights of ±127 must not take the path that saturates.
    @Test(arguments: KernelTable.supported, [63, -63, 64, -64, 127, -127] as [Int8])
    func extremesDoNotSaturate(table: KernelTable, weight: Int8) {
        let geometry = ConvolutionGeometry(
            height: 1, width: 7, channels: 8, outputs: 17, kernelHeight: 1, kernelWidth: 1)
        var random = SeededGenerator(seed: 1)
        var layer = ConvolutionCase(geometry, limit: 1, using: &random)
        layer.activations = [UInt8](repeating: 255, count: 56)
        layer.filters = [Int8](repeating: weight, count: 8 * 17)
        layer.bias = [Int32](repeating: 0, count: 17)
        layer.input = ActivationFormat(scale: 1, zeroPoint: 0)
        // acc = 8 · 255 · weight; a scale of 1 / 2040 brings it back to the weight.
        layer.output = ActivationFormat(scale: 1, zeroPoint: 128)
        layer.scales = [Float](repeating: 1 / 2040, count: 17)
        let expected = UInt8(128 + Int(weight))
        #expect(layer.run(on: table).allSatisfy { $0 == expected })
    }

    // Padding stands for real zero: with a zero point of 100 and activations of 100, a window
    // half outside sees nothing but zeros.
    @Test(arguments: KernelTable.supported, [1, 3, 4, 17])
    func paddingIsTheZeroPoint(table: KernelTable, channels: Int) {
        let geometry = ConvolutionGeometry(
            height: 3, width: 3, channels: channels, outputs: 2, kernelHeight: 3, kernelWidth: 3,
            padding: (1, 1, 1, 1))
        var random = SeededGenerator(seed: 2)
        var layer = ConvolutionCase(geometry, limit: 127, using: &random)
        layer.activations = [UInt8](repeating: 100, count: 9 * channels)
        layer.input = ActivationFormat(scale: 1, zeroPoint: 100)
        layer.output = ActivationFormat(scale: 1, zeroPoint: 10)
        layer.bias = [7, -3]
        layer.scales = [1, 1]
        #expect(layer.run(on: table) == (0..<9).flatMap { _ in [17, 7] as [UInt8] })
    }
}
