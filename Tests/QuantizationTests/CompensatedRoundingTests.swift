import LinearAlgebra
import Quantization
import Tensors
import Testing

struct CompensatedRoundingTests {
    /// Inputs that mostly move together, as the channels of a feature do.
    private func inputs(_ count: Int, width: Int, seed: UInt64) -> Tensor<Float> {
        var random = SeededGenerator(seed: seed)
        var values: [Float] = []
        for _ in 0..<count {
            let common = random.normal()
            values += (0..<width).map { _ in 3 + common + 0.05 * random.normal() }
        }
        return Tensor(values, shape: [count, width])
    }

    private func moments(_ rows: Tensor<Float>) -> MomentSums {
        var sums = MomentSums(width: rows.rowSize)
        sums.add(rows)
        return sums
    }

    /// The mean square of the differences that integer weights make on `rows`, apart from a
    /// constant, which biases take back.
    private func error(
        _ weights: [Float], _ integers: [Int8], step: Float, on rows: Tensor<Float>
    ) -> Double {
        let outputs = (0..<rows.shape[0]).map { row in
            zip(rows[row: row], zip(weights, integers)).reduce(0.0) { sum, entry in
                let (x, (w, q)) = entry
                return sum + Double(x) * Double(w - Float(q) * step)
            }
        }
        let mean = outputs.reduce(0, +) / Double(outputs.count)
        return outputs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(outputs.count)
    }

    @Test(arguments: [127, 63] as [Float])
    func makesUpForErrorsWhereInputsAreAlike(limit: Float) throws {
        var random = SeededGenerator(seed: 31)
        let width = 64
        let rounding = try #require(
            CompensatedRounding(moments(inputs(400, width: width, seed: 1))))
        let others = inputs(200, width: width, seed: 2)
        var (nearest, compensated) = (0.0, 0.0)
        for _ in 0..<10 {
            let weights = random.normals(width, deviation: 1)
            let step = (weights.map { abs($0) }.max() ?? 1) / limit
            let plain = weights.map { Int8(($0 / step).rounded(.toNearestOrEven)) }
            let found = rounding.round(weights[...], step: step, limit: limit)
            #expect(found.allSatisfy { abs(Float($0)) <= limit })
            nearest += error(weights, plain, step: step, on: others)
            compensated += error(weights, found, step: step, on: others)
        }
        #expect(compensated < nearest / 10, "\(compensated), to the nearest \(nearest)")
    }

    // Nothing to make up with: the weights are rounded to the nearest.
    @Test func roundsToTheNearestWhereInputsAreIndependent() throws {
        var rows: [Float] = []
        for index in 0..<6 {
            rows += (0..<3).map { index / 2 == $0 ? (index % 2 == 0 ? 1 : -1) : 0 }
        }
        let rounding = try #require(
            CompensatedRounding(moments(Tensor(rows, shape: [6, 3]))))
        #expect(rounding.round([0.26, -1, 0.74], step: 0.1, limit: 8) == [3, -8, 7])
    }

    @Test func rankAndWidthMayBeSmall() throws {
        // Two pictures say little of eight inputs, one of which is dead.
        let rows = Tensor<Float>(
            [0, 1, 2, 3, 4, 5, 6, 7, 0, 2, 1, 5, 4, 3, 9, 7], shape: [2, 8])
        let rounding = try #require(CompensatedRounding(moments(rows)))
        let weights: [Float] = [1, -1, 0.5, 0.25, -0.3, 0.7, 0, 0.9]
        let found = rounding.round(weights[...], step: 1 / 127, limit: 127)
        for (q, w) in zip(found, weights) { #expect(abs(Float(q) / 127 - w) < 0.05) }
        let single = try #require(CompensatedRounding(moments(Tensor([1, 2], shape: [2, 1]))))
        #expect(single.round([0.5], step: 0.01, limit: 127) == [50])
    }

    @Test func saysNothingOfInputsThatNeverVary() {
        #expect(CompensatedRounding(moments(Tensor(repeating: 2, shape: [5, 4]))) == nil)
        #expect(CompensatedRounding(MomentSums(width: 4)) == nil)
    }
}
