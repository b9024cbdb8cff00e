import Tensors
import Testing
import Training

struct LossTests {
    @Test func prototypeGradientAgreesWithDifferences() {
        var random = SeededGenerator(seed: 11)
        let embeddings = Tensor(random.normals(5 * 8, deviation: 0.4), shape: [5, 8])
        let prototypes = [3, 6].map {
            Tensor(random.normals($0 * 8, deviation: 0.4), shape: [$0, 8])
        }
        let targets: [[Int32]] = [[0, 1, 2, -1, 0], [5, 4, 3, 2, 1]]
        func loss(_ z: Tensor<Float>) -> Double {
            Double(
                PrototypeLoss.lossAndGradient(
                    embeddings: z, prototypes: prototypes, targets: targets, temperature: 0.5
                ).loss)
        }
        let gradient = PrototypeLoss.lossAndGradient(
            embeddings: embeddings, prototypes: prototypes, targets: targets, temperature: 0.5
        ).gradient
        for index in embeddings.elements.indices {
            let derivative = derivative(of: loss, at: embeddings, index)
            #expect(abs(derivative - Double(gradient.elements[index])) < 2e-3, "element \(index)")
        }
    }

    /// The head is trained by the same pass that gives the gradient, so a rate of zero shows
    /// the loss alone.
    @Test func headGradientAgreesWithDifferences() {
        var random = SeededGenerator(seed: 12)
        var head = ClassifierHead(inputs: 6, classes: 4)
        head.weight = Tensor(random.normals(24, deviation: 0.5), shape: [4, 6])
        let features = Tensor(random.normals(18, deviation: 1), shape: [3, 6])
        func loss(_ x: Tensor<Float>) -> Double {
            var copy = head
            return Double(
                copy.learn(from: x, labels: [0, 3, 1], learningRate: 0, weightDecay: 0).loss)
        }
        var trained = head
        let gradient = trained.learn(
            from: features, labels: [0, 3, 1], learningRate: 0.1, weightDecay: 0
        ).gradient
        for index in features.elements.indices {
            let derivative = derivative(of: loss, at: features, index)
            #expect(abs(derivative - Double(gradient.elements[index])) < 2e-3, "element \(index)")
        }
        #expect(trained.weight != head.weight)
        var after = trained
        let lower = after.learn(
            from: features, labels: [0, 3, 1], learningRate: 0, weightDecay: 0
        ).loss
        #expect(Double(lower) < loss(features))
    }

    @Test func headForgetsAtReset() {
        var head = ClassifierHead(inputs: 100, classes: 50)
        var random = SeededGenerator(seed: 13)
        head.reset(using: &random)
        let values = head.weight.elements
        let deviation = (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
        #expect(abs(deviation - 0.01) < 0.0005)
        #expect(head.bias.elements.allSatisfy { $0 == 0 })
    }

    @Test func scheduleRisesAndFalls() {
        let schedule = CosineSchedule(peak: 0.2, warmUp: 0.1, steps: 100)
        #expect(abs(schedule.rate(at: 0) - 0.02) < 1e-6)
        #expect(abs(schedule.rate(at: 9) - 0.2) < 1e-6)
        #expect(schedule.rate(at: 10) == 0.2)
        #expect(schedule.rate(at: 99) < 0.0005 && schedule.rate(at: 99) > 0)
        let falling = (10..<100).map { schedule.rate(at: $0) }
        #expect(zip(falling, falling.dropFirst()).allSatisfy { $0 >= $1 })
    }

    private func derivative(
        of loss: (Tensor<Float>) -> Double, at point: Tensor<Float>, _ index: Int
    ) -> Double {
        let step: Float = 1e-2
        var (above, below) = (point, point)
        above.elements[index] += step
        below.elements[index] -= step
        return (loss(above) - loss(below)) / Double(2 * step)
    }
}
