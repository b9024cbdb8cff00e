import FloatNetworks
import LinearAlgebra
package import Tensors

/// How well one linear layer tells labels from frozen features: the customary figure of what
/// they hold.
///
/// SGD with momentum 0.9, batches of 256, 90 epochs, the learning rate at step t by Bottou's
/// rule `r / √(1 + r·λ·t)` with r = 0.01 and weight decay λ = 10⁻⁴, as the reference code's.
/// Other than there, features are those of centre views, computed once, without random crops
/// and flips; and they are centred and scaled by one factor, so that their mean squared length
/// is 1,000 and one learning rate suits networks of any scale, trained or random.
///
/// Source: the reference code's `eval_linear` (METHOD 3.1).
package struct LinearProbe: Sendable {
    /// The passes over the training features.
    package var epochs = 90
    /// The number of features in a step.
    package var batch = 256
    /// The learning rate r of the first step.
    package var learningRate: Float = 0.01
    /// The share of the last velocity that is kept.
    package var momentum: Float = 0.9
    /// The weight decay λ.
    package var weightDecay: Float = 1e-4
    /// The seed of the first weights and of the order.
    package var seed: UInt64 = 31

    /// A probe with the customary numbers.
    package init() {}

    /// Features with the labels of their pictures.
    package struct Samples: Sendable {
        /// `[n, d]`, finite.
        package let features: Tensor<Float>
        /// One a feature, from 0.
        package let labels: [Int32]

        /// Features and as many labels.
        package init(features: Tensor<Float>, labels: [Int32]) {
            precondition(labels.count == features.shape[0], "\(labels.count) labels")
            (self.features, self.labels) = (features, labels)
        }
    }

    /// What a probe reaches on features that it has not learnt from.
    package struct Accuracy: Sendable, Equatable {
        /// The share of labels found after the last epoch.
        package var last = 0.0
        /// The largest share after any epoch, which is what the reference code reports.
        package var best = 0.0
        /// The epoch of `best`, from 1.
        package var bestEpoch = 0
    }

    /// Learns from some features and judges by others.
    ///
    /// - Parameters:
    ///   - train: What is learnt from, one feature or more.
    ///   - test: What is judged by, one feature or more.
    ///   - classes: The number of labels.
    /// - Returns: The accuracy.
    package func run(train: Samples, test: Samples, classes: Int) -> Accuracy {
        let scaling = FeatureScaling(of: train.features)
        var random = SeededGenerator(seed: seed)
        let width = train.features.rowSize
        // N(0, 0.01) and no bias, as the reference begins.
        var weight = Trained(random.normals(classes * width, deviation: 0.01))
        var bias = Trained([Float](repeating: 0, count: classes))
        var (accuracy, step) = (Accuracy(), 0)
        for epoch in 1...max(1, epochs) {
            let order = random.permutation(train.labels.count)
            for start in stride(from: 0, to: order.count, by: batch) {
                let chosen = order[start..<min(order.count, start + batch)]
                let features = scaling.apply(to: train.features, rows: chosen)
                let logitGradient = SoftmaxCrossEntropy.lossAndGradient(
                    logits: Self.logits(of: features, weight.values, bias.values),
                    labels: chosen.map { train.labels[$0] }
                ).1
                let rate = rate(at: step)
                let gradient = logitGradient.multiplied(by: features, transposeSelf: true).elements
                weight.move(by: gradient, rate: rate, momentum, weightDecay)
                bias.move(by: Self.columnSums(of: logitGradient), rate: rate, momentum, weightDecay)
                step += 1
            }
            accuracy.last = share(of: test, scaling, weight.values, bias.values)
            if accuracy.last > accuracy.best {
                (accuracy.best, accuracy.bestEpoch) = (accuracy.last, epoch)
            }
        }
        return accuracy
    }

    private func rate(at step: Int) -> Float {
        learningRate / (1 + learningRate * weightDecay * Float(step)).squareRoot()
    }

    /// The share of features whose label has the largest score; of equal ones the lowest counts.
    private func share(
        of test: Samples, _ scaling: FeatureScaling, _ weight: [Float], _ bias: [Float]
    ) -> Double {
        var right = 0
        for start in stride(from: 0, to: test.labels.count, by: 1024) {
            let rows = start..<min(test.labels.count, start + 1024)
            let logits = Self.logits(
                of: scaling.apply(to: test.features, rows: rows), weight, bias)
            for row in rows {
                let scores = logits[row: row - start]
                let best = scores.indices.max { (scores[$0], $1) < (scores[$1], $0) }
                if let best, best - scores.startIndex == Int(test.labels[row]) { right += 1 }
            }
        }
        return Double(right) / Double(max(1, test.labels.count))
    }

    private static func logits(
        of features: Tensor<Float>, _ weight: [Float], _ bias: [Float]
    ) -> Tensor<Float> {
        let matrix = Tensor(weight, shape: [bias.count, features.rowSize])
        var logits = features.multiplied(by: matrix, transposeOther: true).elements
        for index in logits.indices { logits[index] += bias[index % bias.count] }
        return Tensor(logits, shape: [features.shape[0], bias.count])
    }

    private static func columnSums(of matrix: Tensor<Float>) -> [Float] {
        var sums = [Float](repeating: 0, count: matrix.rowSize)
        for (index, value) in matrix.elements.enumerated() { sums[index % sums.count] += value }
        return sums
    }
}

/// Values that SGD with momentum moves.
private struct Trained {
    private(set) var values: [Float]
    private var velocity: [Float]

    init(_ values: [Float]) {
        self.values = values
        velocity = [Float](repeating: 0, count: values.count)
    }

    mutating func move(by gradient: [Float], rate: Float, _ momentum: Float, _ decay: Float) {
        Self.move(&values, &velocity, gradient.span, rate, momentum, decay)
    }

    private static func move(
        _ values: inout [Float], _ velocity: inout [Float], _ gradient: Span<Float>,
        _ rate: Float, _ momentum: Float, _ decay: Float
    ) {
        var values = values.mutableSpan
        var velocity = velocity.mutableSpan
        for i in values.indices {
            velocity[i] = momentum * velocity[i] + (gradient[i] + decay * values[i])
            values[i] -= rate * velocity[i]
        }
    }
}

/// Moves features to a mean of zero and scales all of them by one factor.
private struct FeatureScaling {
    /// The mean squared length of a scaled feature, with which a learning rate of 0.01 neither
    /// oscillates nor crawls.
    static let squaredLength = 1000.0

    private let mean: [Float]
    private let factor: Float

    init(of features: Tensor<Float>) {
        let count = features.shape[0]
        let exact = Moments.columnMeans(of: features)
        let mean = exact.map { Float($0) }
        let (values, width) = (features.elements.span, mean.count)
        let means = mean.span
        var sum = 0.0
        for row in 0..<count {
            var length: Float = 0
            for column in 0..<width {
                let difference = values[row * width + column] - means[column]
                length += difference * difference
            }
            sum += Double(length)
        }
        self.mean = mean
        // Features that are all alike have no scale and tell nothing.
        let spread = sum / Double(max(1, count))
        factor = spread > 0 ? Float((Self.squaredLength / spread).squareRoot()) : 1
    }

    /// The scaled features of some pictures, in the given order.
    func apply(to features: Tensor<Float>, rows: some Collection<Int>) -> Tensor<Float> {
        let width = mean.count
        var scaled = [Float](repeating: 0, count: rows.count * width)
        var target = scaled.mutableSpan
        let (source, mean) = (features.elements.span, self.mean.span)
        var at = 0
        for row in rows {
            for column in 0..<width {
                target[at + column] = (source[row * width + column] - mean[column]) * factor
            }
            at += width
        }
        return Tensor(scaled, shape: [rows.count, width])
    }
}
