import Evaluation
import Tensors
import Testing

struct LinearProbeTests {
    /// Points around a centre for each label, as far apart as asked for.
    private static func samples(
        _ count: Int, distance: Float, scale: Float = 1, seed: UInt64
    ) -> LinearProbe.Samples {
        var random = SeededGenerator(seed: seed)
        let labels = (0..<count).map { Int32($0 % 4) }
        let values = labels.flatMap { label in
            (0..<16).map { column in
                // The common offset is what centring takes away.
                scale * (5 + (column == Int(label) ? distance : 0) + random.normal())
            }
        }
        return LinearProbe.Samples(features: Tensor(values, shape: [count, 16]), labels: labels)
    }

    @Test func whatIsLinearlySeparableIsFound() {
        let accuracy = LinearProbe().run(
            train: Self.samples(400, distance: 8, seed: 1),
            test: Self.samples(200, distance: 8, seed: 2), classes: 4)
        #expect(accuracy.last > 0.99)
        #expect(accuracy.best >= accuracy.last)
    }

    @Test func noiseIsNotLearnt() {
        let accuracy = LinearProbe().run(
            train: Self.samples(400, distance: 0, seed: 3),
            test: Self.samples(400, distance: 0, seed: 4), classes: 4)
        // One in four, give or take four standard deviations of 400 draws.
        #expect(abs(accuracy.last - 0.25) < 0.09)
    }

    // A random network's features may be a thousand times smaller than a trained one's; a power
    // of two changes no digit.
    @Test(arguments: [Float(0.0009765625), 1024])
    func theScaleOfFeaturesDecidesNothing(scale: Float) {
        var probe = LinearProbe()
        probe.epochs = 20
        let plain = probe.run(
            train: Self.samples(300, distance: 2, seed: 5),
            test: Self.samples(200, distance: 2, seed: 6), classes: 4)
        let scaled = probe.run(
            train: Self.samples(300, distance: 2, scale: scale, seed: 5),
            test: Self.samples(200, distance: 2, scale: scale, seed: 6), classes: 4)
        #expect(plain.last > 0.5)
        #expect(abs(plain.last - scaled.last) < 0.02)
    }

    @Test func featuresThatAreAllAlikeGiveTheCommonestLabel() {
        let features = Tensor<Float>(repeating: 3, shape: [10, 2])
        let labels: [Int32] = [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
        let samples = LinearProbe.Samples(features: features, labels: labels)
        #expect(LinearProbe().run(train: samples, test: samples, classes: 2).last == 0.7)
    }
}
