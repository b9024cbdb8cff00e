import Kernels
import Tensors

/// One random layer, run on a row of the kernel table by way of an arena of its own.
struct ConvolutionCase {
    var geometry: ConvolutionGeometry
    var activations: [UInt8]
    var filters: [Int8]
    var bias: [Int32]
    var scales: [Float]
    var input: ActivationFormat
    var output: ActivationFormat

    /// Random weights and activations for `geometry`; `limit` is the largest weight.
    init(_ geometry: ConvolutionGeometry, limit: Int, using random: inout SeededGenerator) {
        let g = geometry
        self.geometry = g
        activations = random.bytes(g.height * g.width * g.channels)
        filters = random.weights(g.weights, limit: limit)
        bias = (0..<g.outputs).map { _ in Int32.random(in: -5000...5000, using: &random) }
        input = random.format()
        output = random.format()
        // Scales that bring most sums into the range of a byte, and some beyond it.
        let depth = Float(g.kernelHeight * g.kernelWidth * g.channels / g.groups).squareRoot()
        scales = (0..<g.outputs).map { [input, output] _ in
            output.scale / input.scale * random.uniform(in: 0.002...0.02) / depth
        }
    }

    func run(on table: KernelTable, splitAt: Int? = nil) -> [UInt8] {
        let g = geometry
        let convolution = IntegerConvolution(
            g, filters: filters.span, bias: bias.span, weightScales: scales.span, input: input,
            output: output, using: table)
        var end = 0
        func slot(_ count: Int) -> ActivationSlot {
            let slot = ActivationSlot(at: end, count: count, margin: g.channels)
            end += 2 * slot.stride
            return slot
        }
        let from = slot(activations.count)
        let to = slot(g.positions * g.outputs)
        let copy = g.paddedCopyCount.map(slot)
        let arena = Arena(byteCount: end)
        // The second picture, so that offsets from the first would show.
        arena.write(activations.span, to: from, picture: 1)
        convolution.fillMargin(in: arena, of: from, picture: 1)
        if let copy {
            // In two parts, as two threads would make it.
            let middle = (splitAt ?? 0) % (g.paddedHeight + 1)
            for rows in [middle..<g.paddedHeight, 0..<middle] {
                convolution.pad(in: arena, from: from, to: copy, picture: 1, rows: rows)
            }
        }
        let scratch = Scratch(byteCount: convolution.scratchCount)
        let step = convolution.positionStep
        let cut = splitAt.map { min($0 / step * step, g.positions) } ?? g.positions
        // Split both ways, as threads split it.
        let middle = splitAt.map { $0 % (convolution.panels + 1) } ?? convolution.panels
        for positions in [0..<cut, cut..<g.positions] {
            for panels in [0..<middle, middle..<convolution.panels] {
                convolution.run(
                    in: arena, from: copy ?? from, to: to, picture: 1, positions: positions,
                    panels: panels, scratch: scratch)
            }
        }
        return arena.read(to, picture: 1)
    }

    /// The definition, written without any of the product's code but its clamp.
    func expected() -> [UInt8] {
        let g = geometry
        let (inner, outer) = (g.channels / g.groups, g.outputs / g.groups)
        var result: [UInt8] = []
        for oy in 0..<g.outputHeight {
            for ox in 0..<g.outputWidth {
                for o in 0..<g.outputs {
                    var sum = Int(bias[o])
                    for ky in 0..<g.kernelHeight {
                        for kx in 0..<g.kernelWidth {
                            let (y, x) = (oy * g.stride + ky - g.top, ox * g.stride + kx - g.left)
                            guard (0..<g.height).contains(y), (0..<g.width).contains(x) else {
                                continue
                            }
                            for c in 0..<inner {
                                let position =
                                    (y * g.width + x) * g.channels + o / outer * inner + c
                                let weight =
                                    ((o * g.kernelHeight + ky) * g.kernelWidth + kx) * inner
                                sum +=
                                    (Int(activations[position]) - input.zeroPoint)
                                    * Int(filters[weight + c])
                            }
                        }
                    }
                    let m = Float(Double(input.scale) * Double(scales[o]) / Double(output.scale))
                    result.append(output.byte(Float(sum) * m))
                }
            }
        }
        return result
    }
}

extension ActivationSlot {
    /// A slot whose pictures follow each other.
    init(at offset: Int, count: Int, margin: Int = 0) {
        self.init(
            offset: offset, count: count, margin: margin,
            stride: Self.extent(count: count, margin: margin))
    }
}

extension ActivationFormat {
    /// The end of every operation, as the contract says it.
    func byte(_ t: Float) -> UInt8 {
        let bounded = min(max(t, Float(low - zeroPoint)), Float(high - zeroPoint))
        return UInt8(zeroPoint + Int(bounded.rounded(.toNearestOrEven)))
    }
}

extension SeededGenerator {
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
    }

    mutating func weights(_ count: Int, limit: Int) -> [Int8] {
        (0..<count).map { _ in Int8(Int.random(in: -limit...limit, using: &self)) }
    }

    /// A random format: as after ReLU (zero point and lower bound 0), or signed, or narrow.
    mutating func format() -> ActivationFormat {
        let scale = uniform(in: 0.001...0.5)
        switch index(below: 3) {
        case 0: return ActivationFormat(scale: scale, zeroPoint: 0)
        case 1: return ActivationFormat(scale: scale, zeroPoint: index(below: 256))
        default:
            let low = index(below: 128)
            let high = low + index(below: 128)
            return ActivationFormat(
                scale: scale, zeroPoint: low + index(below: high - low + 1), low: low, high: high)
        }
    }

    mutating func pick<T>(_ choices: [T]) -> T { choices[index(below: choices.count)] }
}
