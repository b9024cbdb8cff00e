import FloatNetworks
import LinearAlgebra
import Model
import Tensors
import Testing

/// The loops of every instruction set that this processor has, against products added in order.
struct FloatLoopsTests {
    struct Case: CustomStringConvertible {
        var side = 1
        var stride = 1
        var top = 0
        var bottom = 0
        var height: Int
        var width: Int
        var inputs: Int
        /// Nil for a depthwise convolution.
        var outputs: Int?

        var outputHeight: Int { (height + top + bottom - side) / stride + 1 }
        var outputWidth: Int { (width + top + bottom - side) / stride + 1 }
        var description: String {
            "\(side)×\(side), stride \(stride), padding \(top) and \(bottom), "
                + "\(height)×\(width)×\(inputs) to \(outputs ?? inputs)"
        }
    }

    /// What follows the convolution.
    enum Ending: CaseIterable {
        case none, norm, normReLU6, biasReLU
    }

    // Outputs below, at and above one, two, three and four vectors of 8 and of 16, and rows at
    // and around every height of a tile; then windows that are copied.
    static let products: [Case] = {
        var cases = [8, 15, 16, 17, 24, 33, 40, 48, 63, 64, 65, 80].map { outputs in
            Case(height: 5, width: 7, inputs: 3, outputs: outputs)
        }
        for width in [1, 3, 4, 6, 9, 12, 14, 23, 24, 25, 47] {
            cases += [16, 32, 48].map { outputs in
                Case(height: 1, width: width, inputs: 19, outputs: outputs)
            }
        }
        cases.append(Case(stride: 2, height: 5, width: 4, inputs: 8, outputs: 16))
        cases.append(
            Case(side: 3, stride: 2, bottom: 1, height: 6, width: 8, inputs: 3, outputs: 24))
        cases.append(
            Case(
                side: 7, stride: 2, top: 3, bottom: 3, height: 9, width: 9, inputs: 3,
                outputs: 16))
        return cases
    }()

    // A row of outputs is made in sevens: maps below, at and above one and two of them, borders on
    // every side or one, filters larger than the map, channels around the lengths of vectors.
    static let depthwise: [Case] = {
        var cases = [8, 15, 16, 17, 24, 32, 40].map { channels in
            Case(side: 3, top: 1, bottom: 1, height: 4, width: 8, inputs: channels)
        }
        for width in [1, 2, 6, 7, 8, 13, 14, 15, 22] {
            for (side, stride) in [(3, 1), (3, 2), (5, 1), (5, 2)] {
                cases.append(
                    Case(
                        side: side, stride: stride, top: side / 2, bottom: side / 2, height: 3,
                        width: width, inputs: 16))
                cases.append(
                    Case(
                        side: side, stride: stride, top: side / 2 - 1, bottom: side / 2,
                        height: 6, width: width + 2, inputs: 18))
            }
        }
        cases.append(Case(side: 3, height: 5, width: 9, inputs: 16))
        cases.append(Case(side: 5, stride: 2, height: 9, width: 17, inputs: 16))
        cases.append(Case(side: 3, top: 4, bottom: 4, height: 1, width: 1, inputs: 16))
        // These have no loop of their own.
        cases.append(
            Case(side: 3, stride: 3, top: 1, bottom: 1, height: 7, width: 7, inputs: 16))
        cases.append(Case(side: 7, top: 3, bottom: 3, height: 7, width: 7, inputs: 16))
        cases.append(Case(side: 3, top: 1, bottom: 1, height: 7, width: 7, inputs: 5))
        return cases
    }()

    // Fused multiply-adds in the order of the taps: bit for bit. The loops without them round
    // twice, and OpenBLAS adds in another order: within 1e-5 of the largest value.
    @Test(arguments: products + depthwise, Ending.allCases)
    func agreeWithTheSumItself(_ c: Case, ending: Ending) throws {
        let (network, tensors) = try Self.network(c, ending)
        var random = SeededGenerator(seed: 41)
        let shape: Shape = [2, c.height, c.width, c.inputs]
        let x = Tensor(random.normals(shape.count, deviation: 1), shape: shape)
        let expected = Self.sums(c, ending, x, tensors)
        let size = expected.reduce(1e-3) { max($0, abs($1)) }
        for loops in FloatLoops.supported.map(Optional.some) + [nil] {
            for threads in [1, 3] {
                let network = try FloatNetwork(
                    network: network, inputShape: [c.height, c.width, c.inputs],
                    tensors: tensors, threads: threads)
                network.loops = loops
                let found = network.evaluate(x).output.elements
                try #require(found.count == expected.count)
                let name = "\(loops?.name ?? "none"), \(threads) threads"
                if let loops, Self.haveLoop(c, loops) {
                    #expect(found == expected, "\(name)")
                } else {
                    let furthest = zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
                    #expect(furthest <= 1e-5 * size, "\(name)")
                }
            }
        }
    }

    /// Winograd's transforms are the same, so the products alone differ.
    @Test func instructionSetsAgreeOnWinograd() throws {
        let c = Case(side: 3, top: 1, bottom: 1, height: 9, width: 6, inputs: 24, outputs: 40)
        let (network, tensors) = try Self.network(c, .normReLU6)
        var random = SeededGenerator(seed: 43)
        let x = Tensor(random.normals(2 * 9 * 6 * 24, deviation: 1), shape: [2, 9, 6, 24])
        let outputs = try FloatLoops.supported.map { loops in
            let network = try FloatNetwork(
                network: network, inputShape: [9, 6, 24], tensors: tensors, threads: 2)
            network.loops = loops
            return network.evaluate(x).output
        }
        #expect(outputs.allSatisfy { $0 == outputs[0] })
    }

    /// What is not a number must not become a zero that nobody notices.
    @Test(arguments: FloatLoops.supported)
    func whatIsNotANumberStaysSo(loops: FloatLoops) throws {
        for c in [Self.products[2], Self.depthwise[2]] {
            let (graph, tensors) = try Self.network(c, .biasReLU)
            let network = try FloatNetwork(
                network: graph, inputShape: [c.height, c.width, c.inputs], tensors: tensors,
                threads: 1)
            network.loops = loops
            let count = c.height * c.width * c.inputs
            let x = Tensor<Float>(
                [Float](repeating: .nan, count: count), shape: [1, c.height, c.width, c.inputs])
            #expect(network.evaluate(x).output.elements.allSatisfy { $0.isNaN })
        }
    }

    private static func haveLoop(_ c: Case, _ loops: FloatLoops) -> Bool {
        guard c.outputs == nil else { return c.outputs! >= loops.lanes }
        return c.inputs >= loops.lanes && [3, 5].contains(c.side) && c.stride <= 2
    }

    private static func network(
        _ c: Case, _ ending: Ending
    ) throws -> (network: Network, tensors: [String: Tensor<Float>]) {
        let padding = Padding(top: c.top, left: c.top, bottom: c.bottom, right: c.bottom)
        var graph = Network(layers: [], feature: "conv")
        graph.append(
            "conv",
            .convolution(
                Convolution(
                    outputs: c.outputs ?? c.inputs, kernel: c.side, stride: c.stride,
                    padding: padding, groups: c.outputs == nil ? c.inputs : 1,
                    hasBias: ending == .biasReLU)))
        switch ending {
        case .none: break
        case .norm: graph.append("norm", .batchNorm(epsilon: 1e-3))
        case .normReLU6:
            graph.append("norm", .batchNorm(epsilon: 1e-3))
            graph.append("relu", .relu6)
        case .biasReLU: graph.append("relu", .relu)
        }
        graph.feature = graph.output
        var random = SeededGenerator(seed: 37)
        var tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: [c.height, c.width, c.inputs], using: &random)
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key })
        where name != "conv.weight" {
            let noise = random.normals(tensor.count, deviation: 0.3)
            let offset: Float = name == "norm.running_var" ? 2 : name == "norm.weight" ? 3 : 0
            tensors[name] = Tensor(noise.map { $0 + offset }, shape: tensor.shape)
        }
        return (graph, tensors)
    }

    /// The convolution by its definition, every product and sum rounded once.
    private static func sums(
        _ c: Case, _ ending: Ending, _ x: Tensor<Float>, _ tensors: [String: Tensor<Float>]
    ) -> [Float] {
        let outputs = c.outputs ?? c.inputs
        let weight = tensors["conv.weight"]!.elements
        let groupInputs = c.outputs == nil ? 1 : c.inputs
        var results: [Float] = []
        for row in 0..<x.shape[0] * c.outputHeight {
            let picture = row / c.outputHeight * c.height
            for column in 0..<c.outputWidth {
                for output in 0..<outputs {
                    var sum: Float = 0
                    for tap in 0..<c.side * c.side {
                        let y = row % c.outputHeight * c.stride - c.top + tap / c.side
                        let x0 = column * c.stride - c.top + tap % c.side
                        guard y >= 0, y < c.height, x0 >= 0, x0 < c.width else { continue }
                        let position = (picture + y) * c.width + x0
                        for k in 0..<groupInputs {
                            let input = position * c.inputs + (c.outputs == nil ? output : k)
                            let by = (output * c.side * c.side + tap) * groupInputs + k
                            sum.addProduct(x.elements[input], weight[by])
                        }
                    }
                    results.append(finished(sum, output, ending, tensors))
                }
            }
        }
        return results
    }

    private static func finished(
        _ sum: Float, _ channel: Int, _ ending: Ending, _ tensors: [String: Tensor<Float>]
    ) -> Float {
        func value(_ name: String) -> Float { tensors[name]!.elements[channel] }
        guard ending != .none else { return sum }
        if ending == .biasReLU { return max(sum + value("conv.bias"), 0) }
        let scale = value("norm.weight") / (value("norm.running_var") + 1e-3).squareRoot()
        let shift = value("norm.bias") + (0 - value("norm.running_mean")) * scale
        let result = shift.addingProduct(sum, scale)
        return ending == .norm ? result : min(max(result, 0), 6)
    }
}
