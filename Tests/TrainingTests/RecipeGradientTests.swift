import FloatNetworks
import Model
import Tensors
import Testing
import Training

/// The gradients that the recipes train by, from the loss to the first layer, against finite
/// differences.
struct RecipeGradientTests {
    /// A convolution with its batch norm, and a feature.
    private func backbone() -> Network {
        var network = Network(layers: [], feature: "pool")
        network.append(
            "conv", .convolution(Convolution(outputs: 5, kernel: 3, padding: Padding(1))))
        network.append("norm", .batchNorm(epsilon: 1e-5))
        network.append("relu", .relu)
        network.append("pool", .globalAveragePool)
        return network
    }

    /// The second version: batch statistics, projection, unit length, two prototype sets.
    @Test func prototypeLossThroughTheWholeNetwork() throws {
        let input = InputSpecification.square(4)
        var random = SeededGenerator(seed: 37)
        let network = try Self.network(
            ProjectionHead.append(to: backbone(), input: input), &random)
        let batch = Tensor(random.normals(6 * 48, deviation: 1), shape: [6, 4, 4, 3])
        let prototypes = [3, 4].map { count in
            Tensor(
                random.normals(count * ProjectionHead.dimension, deviation: 0.3),
                shape: [count, ProjectionHead.dimension])
        }
        let targets: [[Int32]] = [[0, 1, 2, 0, 1, 2], [3, 2, 1, 0, -1, 3]]
        let failures = differences(network, batch) { output in
            PrototypeLoss.lossAndGradient(
                embeddings: output, prototypes: prototypes, targets: targets, temperature: 0.5)
        }
        #expect(failures.isEmpty, "seed 37")
    }

    /// The first version: the features, their ReLU and the classifier.
    @Test func classifierLossThroughTheWholeNetwork() throws {
        var random = SeededGenerator(seed: 41)
        let network = try Self.network(backbone(), &random)
        let batch = Tensor(random.normals(6 * 48, deviation: 1), shape: [6, 4, 4, 3])
        var head = ClassifierHead(inputs: 5, classes: 4)
        head.weight = Tensor(random.normals(20, deviation: 0.7), shape: [4, 5])
        let failures = differences(network, batch) { output in
            var copy = head
            let (loss, gradient) = copy.learn(
                from: output.reshaped(to: [6, 5]), labels: [0, 3, 1, 2, 2, 1], learningRate: 0,
                weightDecay: 0)
            return (loss, gradient.reshaped(to: output.shape))
        }
        #expect(failures.isEmpty, "seed 41")
    }

    /// A step of rate 1 without decay moves the head by its negative gradient.
    @Test func classifierMovesAgainstItsOwnGradient() {
        var random = SeededGenerator(seed: 43)
        var head = ClassifierHead(inputs: 6, classes: 4)
        head.weight = Tensor(random.normals(24, deviation: 0.5), shape: [4, 6])
        head.bias = Tensor(random.normals(4, deviation: 0.5), shape: [4])
        let features = Tensor(random.normals(18, deviation: 1), shape: [3, 6])
        func learnt(_ head: ClassifierHead, rate: Float) -> (loss: Float, head: ClassifierHead) {
            var copy = head
            let loss = copy.learn(
                from: features, labels: [0, 3, 1], learningRate: rate, weightDecay: 0
            ).loss
            return (loss, copy)
        }
        let moved = learnt(head, rate: 1).head
        for (path, count) in [(\ClassifierHead.weight, 24), (\ClassifierHead.bias, 4)] {
            for index in 0..<count {
                let losses = [Float(1e-2), -1e-2].map { change in
                    var changed = head
                    changed[keyPath: path].elements[index] += change
                    return learnt(changed, rate: 0).loss
                }
                let gradient =
                    head[keyPath: path].elements[index] - moved[keyPath: path].elements[index]
                #expect(abs((losses[0] - losses[1]) / 2e-2 - gradient) < 2e-3, "seed 43, \(index)")
            }
        }
    }

    /// Weight decay takes its share of every value, biases too, on top of the gradient.
    @Test func classifierDecaysLikeSGD() {
        var random = SeededGenerator(seed: 47)
        var head = ClassifierHead(inputs: 3, classes: 2)
        head.weight = Tensor(random.normals(6, deviation: 0.5), shape: [2, 3])
        head.bias = Tensor([0.5, -0.25], shape: [2])
        let features = Tensor(random.normals(12, deviation: 1), shape: [4, 3])
        var (plain, decayed) = (head, head)
        let labels: [Int32] = [0, 1, 1, 0]
        _ = plain.learn(from: features, labels: labels, learningRate: 0.5, weightDecay: 0)
        _ = decayed.learn(from: features, labels: labels, learningRate: 0.5, weightDecay: 0.1)
        for path in [\ClassifierHead.weight, \ClassifierHead.bias] {
            for (index, start) in head[keyPath: path].elements.enumerated() {
                let expected = plain[keyPath: path].elements[index] - 0.05 * start
                #expect(abs(decayed[keyPath: path].elements[index] - expected) < 1e-6)
            }
        }
    }

    /// A network of weights large enough to tell their gradients from rounding.
    private static func network(
        _ graph: Network, _ random: inout SeededGenerator
    ) throws -> FloatNetwork {
        var tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: [4, 4, 3], using: &random)
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key })
        where !name.contains("running") {
            let noise = random.normals(tensor.count, deviation: 0.4)
            let isFactor = name.hasSuffix("norm.weight")
            tensors[name] = Tensor(noise.map { isFactor ? $0 + 1 : $0 }, shape: tensor.shape)
        }
        return try FloatNetwork(
            network: graph, inputShape: [4, 4, 3], tensors: tensors, threads: 2,
            inputGradient: true)
    }

    /// The values whose gradient is not what central differences of the loss say, to a hundredth
    /// of the tensor's largest.
    private func differences(
        _ network: FloatNetwork, _ batch: Tensor<Float>,
        loss: (Tensor<Float>) -> (loss: Float, gradient: Tensor<Float>)
    ) -> [String] {
        // Larger ones cross corners of the ReLU, smaller ones drown in rounding.
        let step: Float = 1e-3
        func evaluated(_ batch: Tensor<Float>) -> (loss: Float, gradient: Tensor<Float>) {
            var random = SeededGenerator(seed: 1)
            return loss(network.forward(batch, using: &random))
        }
        network.backward(evaluated(batch).gradient)
        var gradients = network.gradients
        gradients["input"] = network.inputGradient(pictures: batch.shape[0])
        let start = network.tensors
        var failures: [String] = []
        for (name, gradient) in gradients.sorted(by: { $0.key < $1.key }) {
            let scale = gradient.elements.reduce(Float(0.05)) { max($0, abs($1)) }
            for index in gradient.elements.indices {
                let losses = [step, -step].map { change in
                    var (tensors, input) = (start, batch)
                    if name == "input" {
                        input.elements[index] += change
                    } else {
                        tensors[name]!.elements[index] += change
                    }
                    network.tensors = tensors
                    return evaluated(input).loss
                }
                let difference = (losses[0] - losses[1]) / (2 * step)
                let found = gradient.elements[index]
                if !(abs(difference - found) <= 0.01 * scale) {
                    failures.append("\(name)[\(index)]: \(found), by differences \(difference)")
                }
            }
        }
        return failures
    }
}
