import LinearAlgebra
import Model
import Quantization
import Tensors
import Testing

struct RangeJudgeTests {
    // Sixteen values at a time and one at a time, halves between two steps and values far outside.
    @Test func errorsAreThoseOfRounding() {
        var random = SeededGenerator(seed: 61)
        for bounds in [FoldedNetwork.Bounds.none, .relu, .relu6] {
            let format = ActivationFormat(covering: -1...7, bounds: bounds)
            let halves = (-300...300).map { (Float($0) + 0.5) * format.scale }
            let others = (0..<1003).map { _ in random.uniform(in: -10...10) }
            let values = halves + others + [0, -0.0, 1e30, -1e30, .leastNonzeroMagnitude]
            #expect(format.errors(of: values) == values.map { format.rounded($0) - $0 })
        }
    }

    /// Two channels: the first within ±1, the second now and then at 40.
    private func inputs(_ count: Int) -> Tensor<Float> {
        var random = SeededGenerator(seed: 91)
        var values: [Float] = []
        for row in 0..<count {
            values += [random.uniform(), row % 40 == 0 ? 40 : random.uniform()]
        }
        return Tensor(values, shape: [count, 2])
    }

    private func choice(filter: [Float]) throws -> RangeJudge.Choice {
        let inputs = inputs(4000)
        var histogram = ActivationHistogram()
        let isFinite = histogram.add(inputs)
        #expect(isFinite)
        let windows = try #require(
            InputWindows(.linear(outputs: 1, hasBias: true), input: [2], output: [1]))
        var samples = InputSamples(windows, pictures: 4000, hasWeights: true)
        for start in stride(from: 0, to: 4000, by: 500) {
            samples.add(inputs.rows(at: start..<start + 500))
        }
        #expect(samples.keptCount == 1334)
        #expect(samples.moments[0].count == 4000)
        let reader = RangeJudge.Reader(
            samples: samples, filters: Tensor(filter, shape: [1, 2]))
        return RangeJudge([reader]).choose(histogram, bounds: .none)
    }

    // The reader that looks at the outliers needs them, the other one needs fine steps.
    @Test func aRangeIsWhatItsReadersNeed() throws {
        let wide = try choice(filter: [0, 1])
        #expect(wide.format.dequantized(255) > 39)
        let fine = try choice(filter: [1, 0])
        #expect(fine.format.scale <= wide.format.scale)
        #expect(fine.format.lowest == 0 && fine.format.zeroPoint == 0)
    }

    @Test func withoutReadersTheFirstRuleDecides() {
        var histogram = ActivationHistogram()
        let isFinite = histogram.add(Tensor([1, 2, 3], shape: [1, 3]))
        #expect(isFinite)
        let choice = RangeJudge([]).choose(histogram, bounds: .relu)
        #expect(choice.rule == .squaredError)
        #expect(choice.format.scale > 0)
    }
}
