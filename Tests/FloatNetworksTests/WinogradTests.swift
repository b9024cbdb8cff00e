import FloatNetworks
import Model
import Tensors
import Testing

/// Convolutions that go by Winograd's algorithm, against sums in Double.
struct WinogradTests {
    struct Case: CustomStringConvertible {
        var side, padding: Int
        var height, width: Int
        var inputs = 16
        var outputs = 16
        var hasBias = false

        var outputHeight: Int { height + 2 * padding - side + 1 }
        var outputWidth: Int { width + 2 * padding - side + 1 }
        var description: String {
            "\(side)×\(side), padding \(padding), \(height)×\(width)×\(inputs) to \(outputs)"
        }
    }

    // Tiles have 4×4 outputs, or 2×2 of a 5×5 filter: maps below, at and above one and two tiles,
    // with rows of tiles that end within the map or beyond it.
    static let cases = [
        Case(side: 3, padding: 1, height: 1, width: 1),
        Case(side: 3, padding: 1, height: 4, width: 4, outputs: 24, hasBias: true),
        Case(side: 3, padding: 1, height: 5, width: 3),
        Case(side: 3, padding: 0, height: 6, width: 11),
        Case(side: 3, padding: 2, height: 7, width: 8, inputs: 40),
        Case(side: 3, padding: 1, height: 13, width: 13, hasBias: true),
        Case(side: 5, padding: 2, height: 2, width: 1),
        Case(side: 5, padding: 2, height: 7, width: 9, inputs: 24, outputs: 32, hasBias: true),
        Case(side: 5, padding: 0, height: 6, width: 5),
    ]

    @Test(arguments: cases, [1, 3])
    func agreesWithTheSumItself(_ c: Case, threads: Int) throws {
        var graph = Network(layers: [], feature: "conv")
        graph.append(
            "conv",
            .convolution(
                Convolution(
                    outputs: c.outputs, kernel: c.side, padding: Padding(c.padding),
                    hasBias: c.hasBias)))
        var random = SeededGenerator(seed: 29)
        let shape: Shape = [c.height, c.width, c.inputs]
        var tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: shape, using: &random)
        if c.hasBias {
            tensors["conv.bias"] = Tensor(
                random.normals(c.outputs, deviation: 1), shape: [c.outputs])
        }
        let network = try FloatNetwork(
            network: graph, inputShape: shape, tensors: tensors, threads: threads,
            inputGradient: true)
        let pictures = 2
        let x = Tensor(
            random.normals(pictures * shape.count, deviation: 1),
            shape: [pictures, c.height, c.width, c.inputs])
        let outputGradient = Tensor(
            random.normals(pictures * network.outputShape.count, deviation: 1),
            shape: [pictures, c.outputHeight, c.outputWidth, c.outputs])
        let expected = Self.sums(c, x, tensors, outputGradient)

        let output = network.forward(x, using: &random)
        #expect(Self.difference(output, expected.output) < 1e-5)
        #expect(Self.difference(network.evaluate(x).output, expected.output) < 1e-5)
        network.backward(outputGradient)
        #expect(Self.difference(network.inputGradient(pictures: pictures), expected.input) < 1e-5)
        #expect(
            Self.difference(try #require(network.gradients["conv.weight"]), expected.weight) < 1e-5)
        if c.hasBias {
            #expect(
                Self.difference(try #require(network.gradients["conv.bias"]), expected.bias) < 1e-5)
        }
    }

    /// Filters are transformed anew when they have changed, by a step or by hand.
    @Test func changedWeightsAreNoticed() throws {
        var graph = Network(layers: [], feature: "conv")
        graph.append(
            "conv",
            .convolution(Convolution(outputs: 16, kernel: 3, padding: Padding(1), hasBias: false)))
        var random = SeededGenerator(seed: 31)
        var tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: [4, 4, 16], using: &random)
        let network = try FloatNetwork(
            network: graph, inputShape: [4, 4, 16], tensors: tensors, threads: 1)
        let x = Tensor(random.normals(256, deviation: 1), shape: [1, 4, 4, 16])
        let first = network.forward(x, using: &random)
        network.backward(first)
        network.step(SGD(learningRate: 0.01))
        let second = network.forward(x, using: &random)
        #expect(second != first)
        #expect(
            Self.difference(network.evaluate(x).output, second.elements.map(Double.init)) < 1e-5)
        tensors["conv.weight"]?.elements[0] += 1
        network.tensors = tensors
        #expect(network.forward(x, using: &random) != first)
    }

    /// The largest difference as a share of the largest value.
    private static func difference(_ found: Tensor<Float>, _ expected: [Double]) -> Double {
        guard found.count == expected.count else { return .infinity }
        let size = expected.reduce(1e-3) { max($0, abs($1)) }
        return zip(found.elements, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / size
    }

    private typealias Sums = (output: [Double], input: [Double], weight: [Double], bias: [Double])

    /// The convolution and its gradients by their definition.
    private static func sums(
        _ c: Case, _ x: Tensor<Float>, _ tensors: [String: Tensor<Float>],
        _ outputGradient: Tensor<Float>
    ) -> Sums {
        let weight = tensors["conv.weight"]!.elements
        let bias = tensors["conv.bias"]?.elements ?? [Float](repeating: 0, count: c.outputs)
        var sums: Sums = (
            [Double](repeating: 0, count: outputGradient.count),
            [Double](repeating: 0, count: x.count),
            [Double](repeating: 0, count: weight.count), [Double](repeating: 0, count: c.outputs)
        )
        for index in 0..<outputGradient.count {
            let (output, position) = (index % c.outputs, index / c.outputs)
            let (column, row) = (
                position % c.outputWidth, position / c.outputWidth % c.outputHeight
            )
            let picture = position / (c.outputWidth * c.outputHeight)
            let dy = Double(outputGradient.elements[index])
            sums.output[index] = Double(bias[output])
            sums.bias[output] += dy
            for tap in 0..<c.side * c.side {
                let (y, x0) = (row + tap / c.side - c.padding, column + tap % c.side - c.padding)
                guard y >= 0, y < c.height, x0 >= 0, x0 < c.width else { continue }
                for channel in 0..<c.inputs {
                    let from = ((picture * c.height + y) * c.width + x0) * c.inputs + channel
                    let by = (output * c.side * c.side + tap) * c.inputs + channel
                    sums.output[index] += Double(x.elements[from]) * Double(weight[by])
                    sums.input[from] += dy * Double(weight[by])
                    sums.weight[by] += dy * Double(x.elements[from])
                }
            }
        }
        return sums
    }
}
