import Quantization
import Tensors
import Testing

struct ActivationHistogramTests {
    /// The mean squared error of 8-bit rounding and clipping with the given range.
    private func error(_ values: [Float], _ range: ClosedRange<Float>) -> Double {
        let format = ActivationFormat(covering: range, bounds: .none)
        return values.reduce(0.0) { sum, value in
            let q = (value / format.scale).rounded() + Float(format.zeroPoint)
            let difference = Double(format.dequantized(UInt8(min(max(q, 0), 255)))) - Double(value)
            return sum + difference * difference
        } / Double(values.count)
    }

    private func range(of values: [Float]) -> ClosedRange<Float> {
        var histogram = ActivationHistogram()
        let isFinite = histogram.add(Tensor(values, shape: [1, values.count]))
        #expect(isFinite)
        return histogram.bestRange()
    }

    @Test func keepsNearlyTheWholeRangeOfEvenValues() {
        let found = range(of: (0...1000).map { Float($0) / 100 })
        #expect(found.lowerBound == 0)
        #expect((9.9...10).contains(found.upperBound), "\(found)")
    }

    // Two million values gain more from finer steps than one value loses by clipping.
    @Test func clipsAnOutlier() {
        var random = SeededGenerator(seed: 5)
        let values = random.normals(200_000, deviation: 1).map { abs($0) }
        var histogram = ActivationHistogram()
        var isFinite = histogram.add(Tensor([20], shape: [1, 1]))
        for _ in 0..<10 {
            isFinite = histogram.add(Tensor(values, shape: [1, values.count])) && isFinite
        }
        #expect(isFinite)
        let found = histogram.bestRange()
        #expect(found.lowerBound == 0)
        #expect(found.upperBound < 15, "\(found)")
        #expect(histogram.maximum == 20)
    }

    // A trained layer's outputs before ReLU: both signs, heavier on one side.
    @Test func isNearTheBestOfAFineSearch() {
        var random = SeededGenerator(seed: 6)
        let values = random.normals(20_000, deviation: 1).map { $0 < 0 ? $0 : $0 * $0 * 2 }
        let found = error(values, range(of: values))
        let (low, high) = (values.min() ?? 0, values.max() ?? 0)
        var best = Double.infinity
        for a in 1...24 {
            for b in 1...24 {
                best = min(best, error(values, low * Float(a) / 24...high * Float(b) / 24))
            }
        }
        #expect(found <= best * 1.05, "found \(found), best \(best)")
    }

    @Test func growsToAnyMagnitude() {
        var histogram = ActivationHistogram()
        for values: [Float] in [[1e-12], [-3e8, 1]] {
            let isFinite = histogram.add(Tensor(values, shape: [1, values.count]))
            #expect(isFinite)
        }
        #expect(histogram.minimum == -3e8)
        #expect(histogram.bestRange().lowerBound < -1e8)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func refusesWhatIsNotFinite(value: Float) {
        var histogram = ActivationHistogram()
        let isFinite = histogram.add(Tensor([0, value], shape: [1, 2]))
        #expect(!isFinite)
    }

    @Test func givesAUsableRangeForSilence() {
        let format = ActivationFormat(covering: range(of: [0, 0, 0]), bounds: .relu)
        #expect(format.scale > 0)
        #expect(format.zeroPoint == 0)
    }

    @Test func boundsFollowTheLayer() {
        let relu6 = ActivationFormat(covering: 0...12, bounds: .relu6)
        #expect(relu6.dequantized(UInt8(relu6.highest)) <= 6.03)
        #expect(relu6.highest < 255)
        let signed = ActivationFormat(covering: -1...3, bounds: .none)
        #expect(signed.zeroPoint == 64)
        #expect(signed.dequantized(64) == 0)
        #expect((signed.lowest, signed.highest) == (0, 255))
    }
}
