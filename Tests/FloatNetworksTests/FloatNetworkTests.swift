import FloatNetworks
import Model
import Tensors
import Testing

/// Whole networks: weights, evaluation, determinism and refusals.
struct FloatNetworkTests {
    private func smallNetwork(seed: UInt64 = 41, threads: Int = 2) throws -> FloatNetwork {
        let graph = Network.smallConvNet(sobel: true)
        var random = SeededGenerator(seed: seed)
        let tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: [28, 28, 3], using: &random)
        return try FloatNetwork(
            network: graph, inputShape: [28, 28, 3], tensors: tensors, threads: threads)
    }

    private func pictures(_ count: Int, seed: UInt64 = 43) -> Tensor<Float> {
        var random = SeededGenerator(seed: seed)
        return Tensor(random.normals(count * 2352, deviation: 1), shape: [count, 28, 28, 3])
    }

    @Test func alexNetHasTheParametersOfThePaper() throws {
        var random = SeededGenerator(seed: 47)
        let tensors = try FloatNetwork.initialTensors(
            for: .alexNet(sobel: true), inputShape: [224, 224, 3], using: &random)
        let trained = tensors.filter { !$0.key.contains("running") }
        #expect(trained.values.reduce(0) { $0 + $1.count } == 58_272_480)
        // METHOD 1.4; the filters have 23,232 and 614,400 weights, so 2 % is five deviations.
        for (name, expected) in [("conv1", 0.01312), ("conv2", 0.01768), ("fc6", 0.01)] {
            let weights = tensors["\(name).weight"]!.elements
            let squares = weights.reduce(0) { $0 + Double($1) * Double($1) }
            let deviation = (squares / Double(weights.count)).squareRoot()
            #expect(abs(deviation / expected - 1) < 0.02, "\(name): \(deviation), seed 47")
        }
        #expect(tensors["norm1.weight"]!.elements.allSatisfy { $0 == 1 })
        #expect(tensors["norm1.running_var"]!.elements.allSatisfy { $0 == 1 })
        #expect(tensors["conv1.bias"]!.elements.allSatisfy { $0 == 0 })
    }

    @Test func trainingTwiceGivesTheSameBytes() throws {
        func train() throws -> [String: Tensor<Float>] {
            let network = try smallNetwork()
            var random = SeededGenerator(seed: 53)
            for step in 0..<3 {
                let output = network.forward(pictures(9, seed: UInt64(step)), using: &random)
                network.backward(output)
                network.step(SGD(learningRate: 0.05, momentum: 0.9, weightDecay: 1e-5))
            }
            return network.tensors
        }
        #expect(try train() == train())
    }

    @Test func threadsChangeOnlyTheRounding() throws {
        let gradients = try [1, 2, 3].map { threads in
            let network = try smallNetwork(threads: threads)
            var random = SeededGenerator(seed: 59)
            let output = network.forward(pictures(5), using: &random)
            network.backward(Tensor(repeating: 1, shape: output.shape))
            return network.gradients
        }
        for (name, gradient) in gradients[0] where name.hasSuffix("weight") {
            #expect(relativeDifference(gradients[1][name]!, gradient) < 1e-3, "\(name)")
            #expect(relativeDifference(gradients[2][name]!, gradient) < 1e-3, "\(name)")
        }
    }

    @Test func aSmallerBatchAfterALargeOneIsUnaffected() throws {
        var random = SeededGenerator(seed: 61)
        let fresh = try smallNetwork().forward(pictures(2), using: &random)
        let used = try smallNetwork()
        let tensors = used.tensors
        _ = used.forward(pictures(7, seed: 5), using: &random)
        used.tensors = tensors
        #expect(used.forward(pictures(2), using: &random) == fresh)
    }

    @Test func oneAtATimeIsLikeAllAtOnce() throws {
        let network = try smallNetwork()
        let batch = pictures(5)
        let all = network.evaluate(batch).output
        for picture in 0..<5 {
            let one = network.evaluate(batch.rows(at: [picture])).output
            #expect(relativeDifference(one, all.rows(at: [picture])) < 1e-5)
        }
    }

    @Test func longBatchesAreWorkedThroughInRuns() throws {
        let network = try smallNetwork()
        let batch = pictures(600)
        let all = network.evaluate(batch).output
        let last = network.evaluate(batch.rows(at: 590..<600)).output
        #expect(relativeDifference(last, all.rows(at: 590..<600)) < 1e-5)
    }

    @Test func capturedLayersAreTheUnfusedOnes() throws {
        let network = try smallNetwork()
        let batch = pictures(3)
        let names: Set<String> = [Network.input, "sobel", "conv1", "norm1", "relu1", "pool1"]
        let (output, captured) = network.evaluate(batch, capturing: names)
        #expect(relativeDifference(network.evaluate(batch).output, output) < 1e-5)
        #expect(Set(captured.keys) == names)
        #expect(captured["input"] == batch)
        #expect(captured["norm1"]!.elements.contains { $0 < 0 })
        let clamped = captured["norm1"]!.elements.map { max($0, 0) }
        #expect(clamped == captured["relu1"]!.elements)
        // Fresh statistics make the batch norm an identity but for its epsilon.
        #expect(relativeDifference(captured["norm1"]!, captured["conv1"]!) < 1e-4)
    }

    @Test func gradientsAddUpUntilTheStep() throws {
        let network = try smallNetwork()
        let before = network.tensors
        let ones = Tensor<Float>(repeating: 1, shape: [4, 256])
        func pass() {
            var random = SeededGenerator(seed: 67)
            network.tensors = before
            _ = network.forward(pictures(4), using: &random)
            network.backward(ones)
        }
        pass()
        let once = network.gradients
        pass()
        for (name, gradient) in network.gradients {
            let doubled = Tensor(once[name]!.elements.map { 2 * $0 }, shape: gradient.shape)
            #expect(relativeDifference(gradient, doubled) < 1e-5, "\(name)")
        }
        network.step(SGD(learningRate: 0.1))
        #expect(network.gradients.isEmpty)
    }

    @Test func refusesTensorsThatDoNotFit() throws {
        let graph = Network.smallConvNet(sobel: false)
        var random = SeededGenerator(seed: 71)
        var tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: [28, 28, 3], using: &random)
        tensors["norm2.bias"] = nil
        #expect(throws: FloatNetworkError.missingTensor(name: "norm2.bias")) {
            try FloatNetwork(network: graph, inputShape: [28, 28, 3], tensors: tensors)
        }
        tensors["norm2.bias"] = Tensor(repeating: 0, shape: [63])
        #expect(
            throws: FloatNetworkError.wrongShape(tensor: "norm2.bias", expected: [64], found: [63])
        ) {
            try FloatNetwork(network: graph, inputShape: [28, 28, 3], tensors: tensors)
        }
    }

    @Test func refusesPicturesTooSmallForTheNetwork() throws {
        var random = SeededGenerator(seed: 73)
        #expect {
            try FloatNetwork.initialTensors(
                for: .alexNet(sobel: true), inputShape: [32, 32, 3], using: &random)
        } throws: { error in
            guard case .invalidNetwork(let reason) = error as? FloatNetworkError else {
                return false
            }
            return reason.contains("pool")
        }
    }
}
