import Kernels
import Tensors
import Testing

struct LinearTests {
    @Test(arguments: 0..<40)
    func everyRowGivesTheDefinedNumbers(seed: Int) {
        var random = SeededGenerator(seed: 5, stream: UInt64(seed))
        let (inputs, outputs) = (1 + random.index(below: 150), 1 + random.index(below: 90))
        let batch = 1 + random.index(below: 15)
        let pictures = 1 + random.index(below: batch)
        let activations = (0..<pictures).map { _ in random.bytes(inputs) }
        let weights = random.weights(inputs * outputs, limit: random.pick([63, 127]))
        let bias = (0..<outputs).map { _ in Int32.random(in: -9999...9999, using: &random) }
        let format = random.format()
        let sums = activations.map { row in
            (0..<outputs).map { o in
                row.indices.reduce(Int(bias[o])) {
                    $0 + (Int(row[$1]) - format.zeroPoint) * Int(weights[o * inputs + $1])
                }
            }
        }

        let from = ActivationSlot(at: 0, count: inputs)
        let to = ActivationSlot(at: batch * from.stride, count: outputs)
        let arena = Arena(byteCount: batch * (from.stride + to.stride))
        for (i, row) in activations.enumerated() {
            arena.write(row.span, to: from, picture: i)
        }
        let scales = [Float](repeating: 0.01, count: outputs)
        for table in KernelTable.supported {
            func layer(_ output: ActivationFormat?) -> IntegerLinear {
                IntegerLinear(
                    weights: weights.span, bias: bias.span, weightScales: scales.span, from: from,
                    batch: batch, input: format, output: output, using: table)
            }
            let raw = layer(nil)
            let accumulators = AlignedMemory<Int32>(count: pictures * outputs)
            let cut = random.index(below: raw.panels + 1)
            for panels in [0..<cut, cut..<raw.panels] {
                raw.accumulate(in: arena, into: accumulators, pictures: pictures, panels: panels)
            }
            #expect(
                accumulators.elements(0..<pictures * outputs) == sums.joined().map { Int32($0) },
                "seed \(seed), row \(table)")

            let output = ActivationFormat(scale: 2, zeroPoint: 128)
            let requantized = layer(output)
            requantized.run(
                in: arena, to: to, pictures: pictures, panels: 0..<requantized.panels)
            let m = Float(Double(format.scale) * Double(Float(0.01)) / 2)
            for i in 0..<pictures {
                #expect(
                    arena.read(to, picture: i) == sums[i].map { output.byte(Float($0) * m) },
                    "seed \(seed), row \(table), picture \(i)")
            }
        }
    }
}
