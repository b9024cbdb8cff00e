import FloatNetworks
import Model
import Tensors
import Testing

/// The layers against PyTorch's results in the golden files.
struct LayersGoldenTests {
    static let names = [
        "convolution-strided", "convolution-uneven", "convolution-grouped",
        "convolution-depthwise", "convolution-multiplied", "convolution-pointwise",
        "convolution-large", "norm-relu", "norm-relu6", "pools", "sobel", "projection",
    ]
    // Float sums in another order; the longest here have a few hundred terms.
    static let tolerance: Float = 2e-5

    @Test(arguments: names, [1, 2, 3])
    func matchesPyTorch(name: String, threads: Int) throws {
        let golden = try layersFixture(name, as: PassFixture.self)
        let input = golden.input.tensor
        let network = try FloatNetwork(
            network: golden.network, inputShape: pictureShape(input),
            tensors: golden.tensors.mapValues(\.tensor), threads: threads, inputGradient: true)
        let tolerance = Self.tolerance

        let evaluated = network.evaluate(input).output
        #expect(relativeDifference(evaluated, golden.evaluation.tensor) < tolerance)

        var random = SeededGenerator(seed: 1)
        let output = network.forward(input, using: &random)
        #expect(relativeDifference(output, golden.output.tensor) < tolerance)
        network.backward(golden.outputGradient.tensor)
        let inputGradient = network.inputGradient(pictures: input.shape[0])
        #expect(relativeDifference(inputGradient, golden.inputGradient.tensor) < tolerance)
        #expect(Set(network.gradients.keys) == Set(golden.gradients.keys))
        for (tensor, gradient) in network.gradients {
            let difference = relativeDifference(gradient, golden.gradients[tensor]!.tensor)
            // The bias before a batch norm has no gradient but rounding.
            guard name != "projection" || tensor != "first.bias" else { continue }
            #expect(difference < tolerance, "\(tensor) differs by \(difference)")
        }
        for (tensor, statistic) in golden.statistics {
            let difference = relativeDifference(network.tensors[tensor]!, statistic.tensor)
            #expect(difference < tolerance, "\(tensor) differs by \(difference)")
        }
    }

    @Test(arguments: [1, 2])
    func learnsLikePyTorch(threads: Int) throws {
        let golden = try layersFixture("residual-steps", as: StepsFixture.self)
        let network = try FloatNetwork(
            network: golden.network, inputShape: pictureShape(golden.steps[0].input.tensor),
            tensors: golden.tensors.mapValues(\.tensor), threads: threads)
        let optimizer = SGD(
            learningRate: golden.learningRate, momentum: golden.momentum,
            weightDecay: golden.weightDecay)
        var random = SeededGenerator(seed: 1)
        for step in golden.steps {
            let logits = network.forward(step.input.tensor, using: &random)
            let (loss, gradient) = SoftmaxCrossEntropy.lossAndGradient(
                logits: logits, labels: step.labels)
            #expect(abs(loss - step.loss) < 1e-4 * step.loss)
            network.backward(gradient)
            network.step(optimizer)
        }
        for (name, tensor) in network.tensors {
            let difference = relativeDifference(tensor, golden.final[name]!.tensor)
            #expect(difference < 1e-4, "\(name) differs by \(difference)")
        }
        #expect(Set(network.velocities.keys) == Set(golden.velocities.keys))
        // The bias before a batch norm moves by its weight decay alone, the rest is rounding.
        for (name, velocity) in network.velocities where name != "conv1.bias" {
            guard name != "depthwise.bias" else { continue }
            let difference = relativeDifference(velocity, golden.velocities[name]!.tensor)
            #expect(difference < 1e-3, "the velocity of \(name) differs by \(difference)")
        }
    }

    @Test func sobelHasItsGoldenValues() throws {
        let network = try FloatNetwork(
            network: Network(
                layers: [Layer("sobel", .sobel, inputs: [Network.input])], feature: "sobel"),
            inputShape: [4, 4, 3], tensors: [:])
        // METHOD 8: channel c of the pixel p holds 16·c + p.
        let input = (0..<16).flatMap { p in (0..<3).map { Float(16 * $0 + p) } }
        let output = network.evaluate(Tensor(input, shape: [1, 4, 4, 3])).output
        let horizontal: [Float] = [
            -55, -6, -6, 58, -84, -8, -8, 88, -100, -8, -8, 104, -83, -6, -6, 86,
        ]
        let vertical: [Float] = [
            -61, -84, -88, -68, -24, -32, -32, -24, -24, -32, -32, -24, 73, 100, 104, 80,
        ]
        #expect(stride(from: 0, to: 32, by: 2).map { output.elements[$0] } == horizontal)
        #expect(stride(from: 1, to: 32, by: 2).map { output.elements[$0] } == vertical)
    }
}
