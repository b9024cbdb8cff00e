import Kernels
import Tensors

/// One random layer, which can be run on any row of the kernel table and by plain loops.
protocol LayerCase {
    /// What the layer is, for a report.
    var summary: String { get }
    /// What the contract says it gives.
    func expected() -> [UInt8]
    /// What a row gives when the work is cut in two at `cut`, 0 to 1, of it.
    func run(on table: KernelTable, cut: Float) -> [UInt8]
}

extension ConvolutionCase: LayerCase {
    var summary: String { "\(geometry), \(input) to \(output)" }

    func run(on table: KernelTable, cut: Float) -> [UInt8] {
        run(on: table, splitAt: Int(cut * Float(geometry.positions)))
    }
}

/// A linear layer on some pictures of a batch.
struct LinearCase: LayerCase {
    var inputs, outputs, batch: Int
    var activations: [[UInt8]]
    var weights: [Int8]
    var bias: [Int32]
    var scales: [Float]
    var input: ActivationFormat
    var output: ActivationFormat

    init(_ random: inout SeededGenerator, budget: Int) {
        outputs = random.extent(most: 90)
        batch = 1 + random.index(below: 15)
        let pictures = 1 + random.index(below: batch)
        inputs = random.extent(most: max(1, min(600, budget / (outputs * pictures))))
        activations = []
        for _ in 0..<pictures { activations.append(random.bytes(inputs)) }
        weights = random.weights(inputs * outputs, limit: random.pick([1, 63, 64, 127]))
        bias = (0..<outputs).map { _ in Int32.random(in: -9999...9999, using: &random) }
        (input, output) = (random.format(), random.format())
        let depth = Float(inputs).squareRoot()
        scales = (0..<outputs).map { [input, output] _ in
            output.scale / input.scale * random.uniform(in: 0.002...0.02) / depth
        }
    }

    var summary: String {
        "linear \(inputs) to \(outputs), \(activations.count) of \(batch), \(input) to \(output)"
    }

    /// The sums before requantization, `[pictures, outputs]`.
    var sums: [Int] {
        activations.flatMap { row in
            (0..<outputs).map { o in
                row.indices.reduce(Int(bias[o])) {
                    $0 + (Int(row[$1]) - input.zeroPoint) * Int(weights[o * inputs + $1])
                }
            }
        }
    }

    func expected() -> [UInt8] {
        sums.enumerated().map { index, sum in
            let scale = scales[index % outputs]
            let m = Float(Double(input.scale) * Double(scale) / Double(output.scale))
            return output.byte(Float(sum) * m)
        }
    }

    private func place() -> (arena: Arena, from: ActivationSlot, to: ActivationSlot) {
        let from = ActivationSlot(at: 0, count: inputs)
        let to = ActivationSlot(at: batch * from.stride, count: outputs)
        let arena = Arena(byteCount: batch * (from.stride + to.stride))
        for (i, row) in activations.enumerated() {
            arena.write(row.span, to: from, picture: i)
        }
        return (arena, from, to)
    }

    private func layer(
        _ from: ActivationSlot, _ output: ActivationFormat?, _ table: KernelTable
    ) -> IntegerLinear {
        IntegerLinear(
            weights: weights.span, bias: bias.span, weightScales: scales.span, from: from,
            batch: batch, input: input, output: output, using: table)
    }

    func run(on table: KernelTable, cut: Float) -> [UInt8] {
        let (arena, from, to) = place()
        let linear = layer(from, output, table)
        let middle = Int(cut * Float(linear.panels))
        for panels in [0..<middle, middle..<linear.panels] {
            linear.run(in: arena, to: to, pictures: activations.count, panels: panels)
        }
        return activations.indices.flatMap { arena.read(to, picture: $0) }
    }

    /// The sums as a row computes them.
    func accumulate(on table: KernelTable, cut: Float) -> [Int] {
        let (arena, from, _) = place()
        let linear = layer(from, nil, table)
        let count = activations.count * outputs
        let accumulators = AlignedMemory<Int32>(count: count)
        let middle = Int(cut * Float(linear.panels))
        for panels in [0..<middle, middle..<linear.panels] {
            linear.accumulate(
                in: arena, into: accumulators, pictures: activations.count, panels: panels)
        }
        return accumulators.elements(0..<count).map { Int($0) }
    }
}

/// A maximum or an average over windows.
struct PoolCase: LayerCase {
    enum Kind { case maximum, average, averageInside }

    var kind: Kind
    var geometry: PoolGeometry
    var activations: [UInt8]
    var input: ActivationFormat
    var output: ActivationFormat

    init(_ random: inout SeededGenerator, budget: Int) {
        kind = random.pick([.maximum, .average, .averageInside])
        repeat {
            let (height, width) = (1 + random.index(below: 7), 1 + random.index(below: 7))
            func edges(_ kernel: Int) -> (Int, Int) {
                random.index(below: 2) == 0
                    ? (0, 0) : (random.index(below: kernel), random.index(below: kernel))
            }
            let ((top, bottom), (left, right)) = (edges(height), edges(width))
            geometry = PoolGeometry(
                height: max(1, height - top - bottom) + random.index(below: 12),
                width: max(1, width - left - right) + random.index(below: 12),
                channels: random.extent(most: 140), kernelHeight: height, kernelWidth: width,
                stride: 1 + random.index(below: 4), padding: (top, left, bottom, right))
        } while geometry.outputHeight * geometry.outputWidth * geometry.channels
            * geometry.kernelHeight * geometry.kernelWidth > budget
        if random.index(below: 5) == 0 {
            geometry = .global(
                height: geometry.height, width: geometry.width, channels: geometry.channels)
        }
        activations = random.bytes(geometry.height * geometry.width * geometry.channels)
        (input, output) = (random.format(), random.format())
    }

    var summary: String { "\(kind) \(geometry), \(input) to \(output)" }

    func expected() -> [UInt8] {
        PoolTests.windows(geometry, activations).map { window in
            guard kind != .maximum else { return UInt8(window.max() ?? 0) }
            let whole = geometry.kernelHeight * geometry.kernelWidth
            let n = kind == .average ? whole : window.count
            let sum = window.reduce(0) { $0 + $1 - input.zeroPoint }
            return output.byte(
                Float(sum) * Float(Double(input.scale) / (Double(n) * Double(output.scale))))
        }
    }

    func run(on table: KernelTable, cut: Float) -> [UInt8] {
        let pool =
            kind == .maximum
            ? IntegerPool(maximum: geometry, using: table)
            : IntegerPool(
                average: geometry, countsPadding: kind == .average, input: input, output: output,
                using: table)
        return PoolTests.run(
            pool, on: activations, splitAt: Int(cut * Float(geometry.outputHeight)))
    }
}

/// The sum of two activations.
struct AdditionCase: LayerCase {
    var first, second: [UInt8]
    var formats: (first: ActivationFormat, second: ActivationFormat, output: ActivationFormat)

    init(_ random: inout SeededGenerator) {
        let count = random.extent(most: 600)
        (first, second) = (random.bytes(count), random.bytes(count))
        formats = (random.format(), random.format(), random.format())
    }

    var summary: String { "sum of \(first.count), \(formats)" }

    func expected() -> [UInt8] {
        let output = formats.output
        let a = Float(Double(formats.first.scale) / Double(output.scale))
        let b = Float(Double(formats.second.scale) / Double(output.scale))
        return first.indices.map { i in
            let left = Float(Int(first[i]) - formats.first.zeroPoint) * a
            let right = Float(Int(second[i]) - formats.second.zeroPoint) * b
            return output.byte(left + right)
        }
    }

    func run(on table: KernelTable, cut: Float) -> [UInt8] {
        let count = first.count
        let stride = ActivationSlot.extent(count: count, margin: 0)
        let slots = (0..<3).map { ActivationSlot(at: $0 * stride, count: count) }
        let arena = Arena(byteCount: 3 * stride)
        arena.write(first.span, to: slots[0], picture: 0)
        arena.write(second.span, to: slots[1], picture: 0)
        let addition = IntegerAddition(
            first: formats.first, second: formats.second, output: formats.output, using: table)
        let middle = Int(cut * Float(count))
        for elements in [0..<middle, middle..<count] {
            addition.run(
                in: arena, from: slots[0], and: slots[1], to: slots[2], picture: 0,
                elements: elements)
        }
        return arena.read(slots[2], picture: 0)
    }
}
