import FloatNetworks
import Model
import Quantization
import Tensors
import Testing

struct InputWindowsTests {
    static let layers: [(LayerKind, Shape)] = [
        (.convolution(Convolution(outputs: 4, kernel: 3, padding: Padding(1))), [6, 5, 3]),
        (.convolution(Convolution(outputs: 6, kernel: 5, stride: 2, groups: 2)), [9, 8, 4]),
        (
            .convolution(
                Convolution(
                    outputs: 6, kernel: 3, stride: 2,
                    padding: Padding(top: 0, left: 0, bottom: 1, right: 1), groups: 6)),
            [8, 8, 6]
        ),
        (.linear(outputs: 5, hasBias: true), [3, 2, 4]),
        (.linear(outputs: 2, hasBias: true), [7]),
    ]

    // Filters times windows is what the float network computes.
    @Test(arguments: layers)
    func filtersTimesWindowsIsTheOutput(kind: LayerKind, input: Shape) throws {
        var random = SeededGenerator(seed: 95)
        var network = Network(layers: [], feature: "layer")
        network.append("layer", kind)
        let output = try #require(try network.outputShapes(input: input)["layer"])
        let windows = try #require(InputWindows(kind, input: input, output: output))
        let map = random.normals(input.count, deviation: 1)
        let outputs = output.extents.last ?? 0
        let weights = random.normals(outputs * windows.depth, deviation: 1)
        let expected = try expected(
            network, input: input, map: map, weights: weights, depth: windows.depth)
        for position in 0..<windows.positions {
            var rows: [Float] = []
            windows.gather(at: position, of: map.span, into: &rows)
            #expect(rows.count == windows.groups * windows.depth)
            for channel in 0..<outputs {
                let group = channel / (outputs / windows.groups)
                let sum = (0..<windows.depth).reduce(0.0) { sum, index in
                    sum + Double(rows[group * windows.depth + index])
                        * Double(weights[channel * windows.depth + index])
                }
                #expect(abs(sum - Double(expected[position * outputs + channel])) < 1e-4)
            }
        }
    }

    private func expected(
        _ network: Network, input: Shape, map: [Float], weights: [Float], depth: Int
    ) throws -> [Float] {
        var tensors = [String: Tensor<Float>]()
        guard let layer = network.layers.first else { return [] }
        let outputs = weights.count / depth
        switch layer.kind {
        case .convolution(let convolution):
            tensors["layer.weight"] = Tensor(
                weights, shape: convolution.filterShape(input))
        default: tensors["layer.weight"] = Tensor(weights, shape: [outputs, depth])
        }
        tensors["layer.bias"] = Tensor(repeating: 0, shape: [outputs])
        let float = try FloatNetwork(network: network, inputShape: input, tensors: tensors)
        return float.evaluate(Tensor(map, shape: Shape([1] + input.extents))).output.elements
    }

    @Test func averagesReadTheirWholeParts() throws {
        let map = (0..<4 * 4 * 2).map { Float($0) }
        let global = try #require(
            InputWindows(.globalAveragePool, input: [4, 4, 2], output: [2]))
        #expect((global.groups, global.depth, global.positions) == (2, 16, 1))
        var rows: [Float] = []
        global.gather(at: 0, of: map.span, into: &rows)
        let (even, odd) = ((0..<16).map { Float(2 * $0) }, (0..<16).map { Float(2 * $0 + 1) })
        #expect(rows == even + odd)
        let parts = try #require(
            InputWindows(
                .averagePool(Pooling(kernel: 2, stride: 2)), input: [4, 4, 2], output: [2, 2, 2]))
        #expect((parts.groups, parts.depth, parts.positions) == (2, 4, 4))
        rows = []
        parts.gather(at: 3, of: map.span, into: &rows)
        #expect(rows == [20, 22, 28, 30, 21, 23, 29, 31])
    }

    @Test func maximaAndWhatFollowsTheProjectionHaveNone() {
        let kinds: [LayerKind] = [
            .maxPool(Pooling(kernel: 2, stride: 2)), .l2Normalize, .centroids(count: 3), .sobel,
        ]
        for kind in kinds {
            #expect(InputWindows(kind, input: [4, 4, 3], output: [2, 2, 3]) == nil)
        }
    }
}
