import FloatNetworks
import Model
import Tensors
import Testing

/// The optimizer's rule by hand, on one weight with gradient 2.
struct SGDTests {
    private func network() throws -> FloatNetwork {
        try FloatNetwork(
            network: Network(
                layers: [Layer("fc", .linear(outputs: 1, hasBias: true), inputs: ["input"])],
                feature: "fc"),
            inputShape: [1],
            tensors: [
                "fc.weight": Tensor([10], shape: [1, 1]), "fc.bias": Tensor([4], shape: [1]),
            ])
    }

    private func pass(_ network: FloatNetwork) {
        var random = SeededGenerator(seed: 1)
        _ = network.forward(Tensor([2], shape: [1, 1]), using: &random)
        network.backward(Tensor([1], shape: [1, 1]))
    }

    @Test func momentumAndDecayFollowPyTorchsRule() throws {
        let network = try network()
        let optimizer = SGD(learningRate: 0.1, momentum: 0.5, weightDecay: 0.1)
        pass(network)
        network.step(optimizer)
        // v = 2 + 0.1 · 10 = 3, w = 10 − 0.3; the bias: v = 1 + 0.4, b = 4 − 0.14.
        #expect(abs(network.tensors["fc.weight"]!.elements[0] - 9.7) < 1e-5)
        #expect(abs(network.tensors["fc.bias"]!.elements[0] - 3.86) < 1e-5)
        pass(network)
        network.step(optimizer)
        // v = 1.5 + 2 + 0.97 = 4.47, w = 9.7 − 0.447
        #expect(abs(network.velocities["fc.weight"]!.elements[0] - 4.47) < 1e-5)
        #expect(abs(network.tensors["fc.weight"]!.elements[0] - 9.253) < 1e-5)
    }

    @Test func withoutMomentumNoVelocityIsKept() throws {
        let network = try network()
        pass(network)
        network.step(SGD(learningRate: 0.5))
        #expect(network.tensors["fc.weight"]!.elements == [9])
        #expect(network.velocities.isEmpty)
    }

    @Test func frozenTensorsAndThoseWithoutGradientStay() throws {
        let network = try network()
        pass(network)
        network.step(SGD(learningRate: 0.5, weightDecay: 1), freezing: ["fc.weight"])
        #expect(network.tensors["fc.weight"]!.elements == [10])
        let after = network.tensors
        network.step(SGD(learningRate: 0.5, weightDecay: 1))
        #expect(network.tensors == after)
    }

    @Test func savedVelocitiesContinueTheRun() throws {
        let optimizer = SGD(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01)
        let (straight, stopped, resumed) = (try network(), try network(), try network())
        for network in [straight, stopped] {
            pass(network)
            network.step(optimizer)
        }
        try resumed.load(stopped.tensors)
        resumed.velocities = stopped.velocities
        for network in [straight, resumed] {
            pass(network)
            network.step(optimizer)
        }
        #expect(straight.tensors == resumed.tensors)
        #expect(straight.velocities == resumed.velocities)
    }

    @Test func refusesVelocitiesOfAnotherNetwork() throws {
        let network = try network()
        #expect(throws: FloatNetworkError.missingTensor(name: "fc7.weight")) {
            try network.load(velocities: ["fc7.weight": Tensor([1], shape: [1, 1])])
        }
        #expect(
            throws: FloatNetworkError.wrongShape(
                tensor: "fc.weight", expected: [1, 1], found: [1])
        ) {
            try network.load(velocities: ["fc.weight": Tensor([1], shape: [1])])
        }
    }
}
