import FloatNetworks
import Model
import Tensors
import Testing

/// The gradient of every layer against finite differences.
struct GradientTests {
    static let convolutions: [(Convolution, Shape)] = [
        (Convolution(outputs: 3, kernel: 3, padding: Padding(1)), [4, 5, 2]),
        (
            Convolution(
                outputs: 2, kernel: 3, stride: 2,
                padding: Padding(top: 0, left: 2, bottom: 1, right: 0)), [5, 4, 3]
        ),
        (Convolution(outputs: 4, kernel: 2, stride: 3, groups: 2, hasBias: false), [5, 5, 4]),
        (Convolution(outputs: 6, kernel: 3, padding: Padding(1), groups: 3), [3, 4, 3]),
        (Convolution(outputs: 4, kernel: 3, stride: 2, padding: Padding(1), groups: 4), [4, 5, 4]),
        (Convolution(outputs: 3, kernel: 1), [3, 2, 5]),
        (Convolution(outputs: 3, kernel: 1, stride: 2), [3, 4, 2]),
        (Convolution(outputs: 2, kernel: 5, padding: Padding(4)), [2, 1, 2]),
    ]

    @Test(arguments: convolutions.indices, [1, 2])
    func convolution(index: Int, threads: Int) throws {
        let (convolution, shape) = Self.convolutions[index]
        let check = try GradientCheck(
            [Layer("conv", .convolution(convolution), inputs: ["input"])], input: shape,
            seed: UInt64(index), threads: threads)
        #expect(check.failures().isEmpty, "seed \(check.seed)")
    }

    @Test(arguments: [Shape([3, 2, 4]), Shape([5])])
    func batchNorm(shape: Shape) throws {
        let check = try GradientCheck(
            [Layer("norm", .batchNorm(epsilon: 1e-5), inputs: ["input"])], input: shape,
            pictures: 5, seed: 3)
        #expect(check.failures().isEmpty)
    }

    @Test(arguments: [LayerKind.relu, .relu6])
    func batchNormWithItsActivation(kind: LayerKind) throws {
        let check = try GradientCheck(
            [
                Layer("norm", .batchNorm(epsilon: 1e-3), inputs: ["input"]),
                Layer("act", kind, inputs: ["norm"]),
            ], input: [2, 2, 3], pictures: 4, seed: 11)
        #expect(check.failures().isEmpty, "seed \(check.seed)")
    }

    @Test(arguments: [LayerKind.relu, .relu6])
    func activation(kind: LayerKind) throws {
        // A fifth of the numbers beyond 6, and none near a corner of the function.
        let check = try GradientCheck(
            [Layer("act", kind, inputs: ["input"])], input: [4, 3, 2], seed: 5,
            values: { random, count in
                (0..<count).map { _ in Float(random.index(below: 16)) - 6.5 }
            })
        #expect(check.failures().isEmpty, "seed \(check.seed)")
    }

    static let poolings = [
        Pooling(kernel: 2, stride: 2), Pooling(kernel: 3, stride: 2, padding: Padding(1)),
        Pooling(
            kernel: 3, stride: 1, padding: Padding(top: 2, left: 0, bottom: 1, right: 2),
            countsPadding: false),
    ]

    @Test(arguments: poolings.indices)
    func pooling(index: Int) throws {
        let pooling = Self.poolings[index]
        for kind in [LayerKind.maxPool(pooling), .averagePool(pooling)] {
            // All numbers differ by far more than a difference's step.
            let check = try GradientCheck(
                [Layer("pool", kind, inputs: ["input"])], input: [5, 4, 3], seed: 7,
                values: { random, count in random.permutation(count).map { Float($0) * 0.05 } })
            #expect(check.failures().isEmpty, "\(kind), seed \(check.seed)")
        }
    }

    static let plainKinds: [LayerKind] = [
        .globalAveragePool, .linear(outputs: 4, hasBias: true), .linear(outputs: 3, hasBias: false),
        .dropout(probability: 0.4), .l2Normalize, .sobel,
    ]

    @Test(arguments: plainKinds)
    func plainLayer(kind: LayerKind) throws {
        let check = try GradientCheck(
            [Layer("layer", kind, inputs: ["input"])], input: [3, 4, 3], seed: 9)
        #expect(check.failures().isEmpty, "seed \(check.seed)")
    }

    @Test func sumOfTwoBranchesAndOfOneWithItself() throws {
        let check = try GradientCheck(
            [
                Layer("a", .linear(outputs: 4, hasBias: true), inputs: ["input"]),
                Layer("b", .linear(outputs: 4, hasBias: true), inputs: ["a"]),
                Layer("sum", .add, inputs: ["b", "a"]),
                Layer("twice", .add, inputs: ["sum", "sum"]),
                Layer("unit", .l2Normalize, inputs: ["twice"]),
            ], input: [6], seed: 13)
        #expect(check.failures().isEmpty, "seed \(check.seed)")
    }

    @Test func branchesThatShareTheirInput() throws {
        let narrow = Convolution(outputs: 3, kernel: 3, padding: Padding(1), hasBias: false)
        let check = try GradientCheck(
            [
                Layer("stem", .convolution(narrow), inputs: ["input"]),
                Layer("norm1", .batchNorm(epsilon: 1e-5), inputs: ["stem"]),
                Layer("left", .convolution(narrow), inputs: ["norm1"]),
                Layer("norm2", .batchNorm(epsilon: 1e-5), inputs: ["left"]),
                Layer("right", .dropout(probability: 0.3), inputs: ["norm1"]),
                Layer("sum", .add, inputs: ["right", "norm2"]),
                Layer("pool", .globalAveragePool, inputs: ["sum"]),
                Layer("out", .linear(outputs: 2, hasBias: true), inputs: ["pool"]),
            ], input: [4, 3, 2], pictures: 4, seed: 17)
        #expect(check.failures().isEmpty, "seed \(check.seed)")
    }

    @Test func softmaxCrossEntropy() {
        var random = SeededGenerator(seed: 19)
        let logits = Tensor(random.normals(15, deviation: 2), shape: [3, 5])
        let labels: [Int32] = [4, -1, 0]
        let gradient = SoftmaxCrossEntropy.lossAndGradient(logits: logits, labels: labels).1
        for index in 0..<15 {
            let losses = [Float(0.01), -0.01].map { change in
                var changed = logits
                changed.elements[index] += change
                return SoftmaxCrossEntropy.lossAndGradient(logits: changed, labels: labels).0
            }
            #expect(abs((losses[0] - losses[1]) / 0.02 - gradient.elements[index]) < 1e-3)
        }
    }
}
