import FloatNetworks
import Model
import Tensors
import Testing

/// What single layers do beyond their golden files: edges, chance and ties.
struct LayersTests {
    private func network(
        _ kinds: [LayerKind], input: Shape, seed: UInt64 = 1, threads: Int = 2
    ) throws -> FloatNetwork {
        var graph = Network(layers: [], feature: "layer0")
        for (index, kind) in kinds.enumerated() { graph.append("layer\(index)", kind) }
        var random = SeededGenerator(seed: seed)
        return try FloatNetwork(
            network: graph, inputShape: input,
            tensors: FloatNetwork.initialTensors(for: graph, inputShape: input, using: &random),
            threads: threads, inputGradient: true)
    }

    @Test func dropoutDropsItsShareAndKeepsTheMean() throws {
        let network = try network([.dropout(probability: 0.3)], input: [100, 100, 1])
        let ones = Tensor<Float>(repeating: 1, shape: [10, 100, 100, 1])
        var random = SeededGenerator(seed: 23)
        let output = network.forward(ones, using: &random).elements
        let dropped = output.count { $0 == 0 }
        // 100,000 draws: five deviations are 0.0072.
        #expect(abs(Float(dropped) / 100_000 - 0.3) < 0.0073, "seed 23")
        #expect(output.allSatisfy { $0 == 0 || $0 == 1 / (1 - 0.3) })
        #expect(network.evaluate(ones).output == ones)
        network.backward(ones)
        #expect(network.inputGradient(pictures: 10).elements == output)
    }

    @Test func dropoutDiffersBetweenPicturesLayersAndSteps() throws {
        let network = try network(
            [.dropout(probability: 0.5), .dropout(probability: 0.5)], input: [4096])
        let ones = Tensor<Float>(repeating: 1, shape: [2, 4096])
        var random = SeededGenerator(seed: 29)
        let first = network.forward(ones, using: &random)
        let second = network.forward(ones, using: &random)
        #expect(first != second)
        #expect(first[row: 0] != ArraySlice(Array(first[row: 1])))
        // Two layers that dropped alike would keep a half, not a quarter.
        let kept = Float(first.elements.count { $0 != 0 }) / 8192
        #expect(abs(kept - 0.25) < 0.03, "kept \(kept), seed 29")
    }

    @Test func dropoutDoesNotDependOnThreads() throws {
        let outputs = try [1, 2, 3].map { threads in
            let network = try network([.dropout(probability: 0.5)], input: [33], threads: threads)
            var random = SeededGenerator(seed: 31)
            return network.forward(Tensor(repeating: 1, shape: [5, 33]), using: &random)
        }
        #expect(outputs[0] == outputs[1])
        #expect(outputs[0] == outputs[2])
    }

    @Test func theFirstOfEqualMaximaTakesTheGradient() throws {
        let network = try network([.maxPool(Pooling(kernel: 2, stride: 2))], input: [2, 2, 1])
        var random = SeededGenerator(seed: 1)
        _ = network.forward(Tensor([1, 3, 3, 3], shape: [1, 2, 2, 1]), using: &random)
        network.backward(Tensor([5], shape: [1, 1, 1, 1]))
        #expect(network.inputGradient(pictures: 1).elements == [0, 5, 0, 0])
    }

    @Test func maxPoolOfNegativesIgnoresPadding() throws {
        let network = try network(
            [.maxPool(Pooling(kernel: 3, stride: 2, padding: Padding(1)))], input: [3, 3, 1])
        let input = Tensor((1...9).map { -Float($0) }, shape: [1, 3, 3, 1])
        #expect(network.evaluate(input).output.elements == [-1, -2, -4, -5])
    }

    /// In evaluation a sum and the activation after it are one step, unless the sum is wanted.
    @Test(arguments: [
        (LayerKind.relu, [0, 5, 0, 16] as [Float]), (.relu6, [0, 5, 0, 6]),
    ])
    func aSumTakesItsActivation(kind: LayerKind, expected: [Float]) throws {
        let graph = Network(
            layers: [
                Layer("left", .relu6, inputs: ["input"]),
                Layer("sum", .add, inputs: ["left", "input"]),
                Layer("end", kind, inputs: ["sum"]),
            ], feature: "end")
        let network = try FloatNetwork(network: graph, inputShape: [4], tensors: [:], threads: 1)
        let input = Tensor<Float>([-3, 2.5, 0, 10], shape: [1, 4])
        #expect(network.evaluate(input).output.elements == expected)
        let (output, captured) = network.evaluate(input, capturing: ["sum"])
        #expect(output.elements == expected)
        #expect(captured["sum"]?.elements == [-3, 5, 0, 16])
    }

    @Test func aZeroVectorHasNoDirectionAndNoGradient() throws {
        let network = try network([.l2Normalize], input: [3])
        var random = SeededGenerator(seed: 1)
        let output = network.forward(Tensor([0, 0, 0, 3, 0, 4], shape: [2, 3]), using: &random)
        #expect(output[row: 0].allSatisfy { $0 == 0 })
        #expect(zip(output[row: 1], [0.6, 0, 0.8]).allSatisfy { abs($0 - $1) < 1e-6 })
        network.backward(Tensor(repeating: 1, shape: [2, 3]))
        #expect(network.inputGradient(pictures: 2)[row: 0].allSatisfy { $0 == 0 })
    }

    @Test func aBatchOfOneVectorKeepsItsStatisticsFinite() throws {
        let network = try network([.batchNorm(epsilon: 1e-5)], input: [4])
        var random = SeededGenerator(seed: 1)
        let output = network.forward(Tensor([1, -2, 3, 4], shape: [1, 4]), using: &random)
        #expect(output.elements.allSatisfy { abs($0) < 1e-3 })
        network.backward(Tensor(repeating: 1, shape: [1, 4]))
        #expect(network.tensors.values.allSatisfy { $0.elements.allSatisfy { $0.isFinite } })
        #expect(network.inputGradient(pictures: 1).elements.allSatisfy { abs($0) < 1e-3 })
    }

    @Test func batchNormKeepsItsPrecisionFarFromZero() throws {
        let network = try network([.batchNorm(epsilon: 1e-5)], input: [16, 16, 3])
        var random = SeededGenerator(seed: 37)
        // A mean of a thousand deviations, where Σx² − (Σx)² would have lost every digit.
        let noise = random.normals(8 * 768, deviation: 1).map { $0 + 1000 }
        let output = network.forward(Tensor(noise, shape: [8, 16, 16, 3]), using: &random)
        let squares = output.elements.reduce(0) { $0 + Double($1) * Double($1) }
        #expect(abs(squares / Double(output.count) - 1) < 1e-3, "seed 37")
    }

    @Test func centroidsGiveSquaredDistances() throws {
        let graph = Network(
            layers: [Layer("centroids", .centroids(count: 2), inputs: ["input"])],
            feature: "centroids")
        let network = try FloatNetwork(
            network: graph, inputShape: [2],
            tensors: ["centroids.weight": Tensor([0, 0, 3, 4], shape: [2, 2])])
        let output = network.evaluate(Tensor([3, 4, 0, 1], shape: [2, 2])).output
        #expect(output.elements == [25, 0, 1, 18])
    }

    @Test func softmaxOfEqualScoresIsUniform() {
        let (loss, gradient) = SoftmaxCrossEntropy.lossAndGradient(
            logits: Tensor(repeating: 500, shape: [2, 4]), labels: [1, 3])
        #expect(abs(loss - 1.3862944) < 1e-6)
        #expect(gradient[row: 0].elementsEqual([0.125, -0.375, 0.125, 0.125]))
    }

    @Test func aBatchOfIgnoredLabelsTeachesNothing() {
        let (loss, gradient) = SoftmaxCrossEntropy.lossAndGradient(
            logits: Tensor([1, 2, 3, 4], shape: [2, 2]), labels: [-1, -1])
        #expect(loss == 0)
        #expect(gradient.elements == [0, 0, 0, 0])
    }
}
