import Quantization
import Tensors
import Testing

struct ChannelQuantizationTests {
    @Test(arguments: [(8, 127), (7, 63)])
    func usesTheWholeRangeOfEachChannel(bits: Int, limit: Int) {
        let weights = FoldedNetwork.Weights(
            weight: Tensor([1, -2, 0.5, 100, 0, -25], shape: [2, 3]), bias: [0.5, -3])
        let quantized = ChannelQuantization(weights, bits: bits, inputScale: 0.01)
        #expect(quantized.weight.elements.map { abs(Int($0)) }.max() == limit)
        #expect(quantized.weight[row: 0].map { Int($0) }[1] == -limit)
        #expect(quantized.scale == [2 / Float(limit), 100 / Float(limit)])
        let biases = zip(quantized.bias, quantized.scale).map { Float($0) * 0.01 * $1 }
        #expect(abs(biases[0] - 0.5) <= 0.01 * quantized.scale[0])
        #expect(abs(biases[1] + 3) <= 0.01 * quantized.scale[1])
    }

    // A dead channel whose bias would overflow 32 bits at the weights' own scale.
    @Test(arguments: [1e-12, 0] as [Float])
    func widensTheScaleUntilTheAccumulatorFits(weight: Float) {
        let weights = FoldedNetwork.Weights(
            weight: Tensor(repeating: weight, shape: [1, 64]), bias: [1e4])
        let quantized = ChannelQuantization(weights, bits: 8, inputScale: 0.004)
        let sum = quantized.weight.elements.reduce(0) { $0 + abs(Int($1)) }
        #expect(255 * sum + abs(Int(quantized.bias[0])) <= Int(Int32.max))
        let bias = Double(quantized.bias[0]) * 0.004 * Double(quantized.scale[0])
        #expect(abs(bias - 1e4) < 1)
    }

    @Test func movesTheBiasInAccumulatorUnits() {
        let weights = FoldedNetwork.Weights(
            weight: Tensor([127, 127], shape: [2, 1]), bias: [0, 0])
        var quantized = ChannelQuantization(weights, bits: 8, inputScale: 0.5)
        quantized.addToBias([10.2, .infinity], inputScale: 0.5)
        #expect(quantized.bias == [20, 0])
    }
}
