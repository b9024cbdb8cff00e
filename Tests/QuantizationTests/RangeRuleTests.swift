import Quantization
import Tensors
import Testing

struct RangeRuleTests {
    private func histogram(_ values: [Float]) -> ActivationHistogram {
        var histogram = ActivationHistogram()
        let isFinite = histogram.add(Tensor(values, shape: [1, values.count]))
        #expect(isFinite)
        return histogram
    }

    @Test(arguments: RangeRule.allCases)
    func everyRangeHoldsZeroAndNothingUnseen(rule: RangeRule) {
        var random = SeededGenerator(seed: 7)
        for values in [
            random.normals(5000, deviation: 1), random.normals(5000, deviation: 1).map { abs($0) },
            random.normals(5000, deviation: 1).map { -abs($0) }, [3], [-2, 0], [0, 0], [],
        ] {
            let histogram = histogram(values)
            let range = histogram.range(by: rule)
            #expect(range.contains(0))
            #expect(range.lowerBound >= histogram.minimum)
            #expect(range.upperBound <= max(histogram.maximum, 1))
            #expect(range.lowerBound < range.upperBound, "\(rule) of \(values.prefix(3))")
        }
    }

    @Test func percentileLeavesOneInTenThousandOut() {
        // 1 to 100,000: the ten largest are out.
        let values = (1...100_000).map { Float($0) }
        let range = histogram(values).range(by: .percentile)
        #expect(range.lowerBound == 0)
        // Bins are 32 wide here.
        #expect(abs(range.upperBound - 99_990) <= 32, "\(range)")
        let both = histogram(values + values.map { -$0 }).range(by: .percentile)
        #expect(abs(both.upperBound - 99_990) <= 32 && abs(both.lowerBound + 99_990) <= 32)
    }

    @Test func largestIsAllThatWasSeen() {
        #expect(histogram([-3, 0.5, 7]).range(by: .largest) == -3...7)
    }

    // A flat distribution loses shape by any clipping, one with a far tail gains by it.
    @Test func entropyClipsTails() {
        let flat = (0..<40_000).map { Float($0) / 40_000 }
        #expect(histogram(flat).range(by: .entropy).upperBound > 0.95)
        var random = SeededGenerator(seed: 8)
        let tailed = random.normals(40_000, deviation: 0.1).map { abs($0) } + [4]
        #expect(histogram(tailed).range(by: .entropy).upperBound < 3)
    }
}
