import Evaluation
import FloatNetworks
import Model
import Report
import Tensors
import Testing

struct FoldedNetworkTests {
    /// A network with norms that do something.
    static func weights(_ network: Network, size: Int, seed: UInt64) throws -> NetworkWeights {
        var random = SeededGenerator(seed: seed)
        var tensors = try FloatNetwork.initialTensors(
            for: network, inputShape: [size, size, 3], using: &random)
        // In the order of the names: that of a dictionary differs from run to run.
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where name.contains("norm") {
            let isSpread = name.hasSuffix("running_var") || name.hasSuffix("weight")
            let values = random.normals(tensor.count, deviation: 0.3).map {
                isSpread ? 1 + abs($0) : $0
            }
            tensors[name] = Tensor(values, shape: tensor.shape)
        }
        return NetworkWeights(
            network: network, input: .square(size), tensors: tensors)
    }

    @Test(arguments: [true, false])
    func computesTheSame(sobel: Bool) throws {
        let network = try Self.weights(.smallConvNet(sobel: sobel), size: 20, seed: 3)
        let folded = try network.withoutNorms()
        #expect(!folded.network.layers.contains { $0.name.hasPrefix("norm") })
        #expect(folded.network.layers.count == network.network.layers.count - 4)
        var random = SeededGenerator(seed: 4)
        let batch = Tensor(random.normals(2 * 20 * 20 * 3, deviation: 1), shape: [2, 20, 20, 3])
        let expected = try network.runnable(threads: 1).evaluate(batch).output
        let found = try folded.runnable(threads: 1).evaluate(batch).output
        for (found, expected) in zip(found.elements, expected.elements) {
            // Products in another order.
            #expect(abs(found - expected) < 1e-4 * max(1, abs(expected)))
        }
    }

    @Test func aNormWithoutItsConvolutionIsRefused() throws {
        var network = Network(layers: [], feature: "norm")
        network.append("pool", .averagePool(Pooling(kernel: 2, stride: 2)))
        network.append("norm", .batchNorm(epsilon: 1e-5))
        let weights = NetworkWeights(network: network, input: .square(16), tensors: [:])
        #expect(throws: ReportError.normWithoutConvolution(layer: "norm")) {
            try weights.withoutNorms()
        }
        // One that another layer reads, too, has two meanings.
        var shared = Network(layers: [], feature: "sum")
        shared.append("conv", .convolution(Convolution(outputs: 3, kernel: 1)))
        shared.append("norm", .batchNorm(epsilon: 1e-5))
        shared.layers.append(Layer("sum", .add, inputs: ["conv", "norm"]))
        let both = NetworkWeights(network: shared, input: .square(16), tensors: [:])
        #expect(throws: ReportError.normWithoutConvolution(layer: "norm")) {
            try both.withoutNorms()
        }
    }
}
