import Kernels
import Tensors
import Testing

/// What makes threads safe without locks: parts of one layer, computed at the same time, write
/// nothing but their own bytes.
///
/// `tools/sanitize thread` watches them do so.
struct ConcurrencyTests {
    /// Runs `work` on every part at once.
    static func together(_ parts: Int, _ work: @escaping @Sendable (Int) -> Void) async {
        await withTaskGroup { group in
            for part in 0..<parts { group.addTask { work(part) } }
        }
    }

    // Dense, grouped and depthwise, with panels that are not full and rows that end inside a
    // cache line.
    @Test(
        arguments: KernelTable.supported,
        [(24, 50, 1), (8, 12, 2), (37, 37, 37)] as [(Int, Int, Int)])
    func convolutionsInParts(
        table: KernelTable, size: (channels: Int, outputs: Int, groups: Int)
    ) async {
        let geometry = ConvolutionGeometry(
            height: 17, width: 19, channels: size.channels, outputs: size.outputs,
            kernelHeight: 3, kernelWidth: 3, padding: (1, 1, 1, 1), groups: size.groups)
        var random = SeededGenerator(seed: 31)
        let layer = ConvolutionCase(geometry, limit: 63, using: &random)
        let convolution = IntegerConvolution(
            geometry, filters: layer.filters.span, bias: layer.bias.span,
            weightScales: layer.scales.span, input: layer.input, output: layer.output,
            using: table)
        let from = ActivationSlot(
            at: 0, count: layer.activations.count, margin: geometry.channels)
        let to = ActivationSlot(
            at: from.stride, count: geometry.positions * geometry.outputs)
        let arena = Arena(byteCount: from.stride + to.stride)
        arena.write(layer.activations.span, to: from, picture: 0)
        convolution.fillMargin(in: arena, of: from, picture: 0)
        let panels = convolution.panels
        let step = convolution.positionStep > 1 ? convolution.positionStep : 48
        let parts = (geometry.positions + step - 1) / step
        await Self.together(parts * panels) { part in
            let (block, panel) = part.quotientAndRemainder(dividingBy: panels)
            convolution.run(
                in: arena, from: from, to: to, picture: 0,
                positions: block * step..<min((block + 1) * step, geometry.positions),
                panels: panel..<panel + 1,
                scratch: Scratch(byteCount: convolution.scratchCount))
        }
        #expect(arena.read(to, picture: 0) == layer.expected())
    }

    @Test(arguments: KernelTable.supported)
    func linearLayersInPanels(table: KernelTable) async {
        let (inputs, outputs, pictures) = (70, 85, 3)
        var random = SeededGenerator(seed: 32)
        let weights = random.weights(inputs * outputs, limit: 127)
        let bias = [Int32](repeating: 0, count: outputs)
        let scales = [Float](repeating: 0.001, count: outputs)
        let from = ActivationSlot(at: 0, count: inputs)
        let to = ActivationSlot(at: pictures * from.stride, count: outputs)
        let arena = Arena(byteCount: pictures * (from.stride + to.stride))
        for picture in 0..<pictures {
            arena.write(random.bytes(inputs).span, to: from, picture: picture)
        }
        let linear = IntegerLinear(
            weights: weights.span, bias: bias.span, weightScales: scales.span, from: from,
            batch: pictures, input: ActivationFormat(scale: 1, zeroPoint: 9),
            output: ActivationFormat(scale: 0.5, zeroPoint: 128), using: table)
        linear.run(in: arena, to: to, pictures: pictures, panels: 0..<linear.panels)
        let expected = (0..<pictures).map { arena.read(to, picture: $0) }
        let zeros = [UInt8](repeating: 0, count: outputs)
        for picture in 0..<pictures { arena.write(zeros.span, to: to, picture: picture) }
        await Self.together(linear.panels) {
            linear.run(in: arena, to: to, pictures: pictures, panels: $0..<$0 + 1)
        }
        #expect((0..<pictures).map { arena.read(to, picture: $0) } == expected)
    }

    @Test(arguments: KernelTable.supported)
    func poolsAndSumsInParts(table: KernelTable) async {
        let geometry = PoolGeometry(
            height: 21, width: 13, channels: 23, kernelHeight: 3, kernelWidth: 3, stride: 2,
            padding: (1, 1, 1, 1))
        var random = SeededGenerator(seed: 33)
        let activations = random.bytes(geometry.height * geometry.width * geometry.channels)
        let format = ActivationFormat(scale: 1, zeroPoint: 3)
        let pool = IntegerPool(
            average: geometry, countsPadding: false, input: format, output: format, using: table)
        let count = geometry.outputHeight * geometry.outputWidth * geometry.channels
        let from = ActivationSlot(at: 0, count: activations.count)
        let to = ActivationSlot(at: from.stride, count: count)
        let sum = ActivationSlot(at: from.stride + to.stride, count: count)
        let arena = Arena(byteCount: from.stride + 2 * to.stride)
        arena.write(activations.span, to: from, picture: 0)
        await Self.together(geometry.outputHeight) {
            pool.run(in: arena, from: from, to: to, picture: 0, rows: $0..<$0 + 1)
        }
        let pooled = arena.read(to, picture: 0)
        #expect(pooled == PoolTests.run(pool, on: activations))
        let addition = IntegerAddition(
            first: format, second: format, output: format, using: table)
        await Self.together((count + 63) / 64) {
            addition.run(
                in: arena, from: to, and: to, to: sum, picture: 0,
                elements: $0 * 64..<min($0 * 64 + 64, count))
        }
        #expect(
            arena.read(sum, picture: 0)
                == pooled.map { format.byte(Float(2 * (Int($0) - 3))) })
    }
}
