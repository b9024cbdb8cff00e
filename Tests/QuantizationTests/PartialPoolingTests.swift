import Inference
import Model
import Quantization
import Tensors
import Testing

struct PartialPoolingTests {
    // Maps of 2×2, whole; of 8×8, where 16 parts of 256 channels are the most that is read; and of
    // 5×5, which has no parts but its 25 positions, too many.
    @Test(arguments: [
        (16, 16, [4 * 256], nil), (64, 256, [16 * 256], [4, 4, 256]),
        (64, 16, [16 * 256], [4, 4, 256]), (40, 16, [256], [256]),
    ])
    func takesTheSmallestPartsThatFit(
        size: Int, dimension: Int, inputs: [Int], pooled: [Int]?
    ) throws {
        let float = try SmallModels.checkpoint(
            .smallConvNet(sobel: false), size: size, dimension: dimension, seed: 81)
        let parts = try float.poolingInParts()
        try parts.validate()
        let weight = try parts.float("projection.weight")
        #expect(weight.shape.extents == [dimension] + inputs)
        let shapes = try parts.network.outputShapes(input: parts.inputShape)
        #expect(shapes["pool"]?.extents == pooled)
        #expect(parts.network.feature == (pooled == nil ? "relu4" : "pool"))
    }

    // The order of the sums differs, so not to the last bit.
    @Test(arguments: [(16, 16), (64, 256)])
    func computesTheSame(size: Int, dimension: Int) throws {
        let float = try SmallModels.checkpoint(
            .smallConvNet(sobel: false), size: size, dimension: dimension, seed: 82)
        let views = SmallModels.views(3, size: size, seed: 83)
        let expected = try FloatEmbeddings(float).vectors(of: views)
        let found = try FloatEmbeddings(float.poolingInParts()).vectors(of: views)
        for (a, b) in zip(expected.elements, found.elements) { #expect(abs(a - b) < 1e-5) }
    }

    @Test func leavesOtherNetworksAlone() throws {
        for network in [SmallModels.narrowAlexNet, SmallModels.residual] {
            let float = try SmallModels.checkpoint(network, size: 24, seed: 84)
            #expect(try float.poolingInParts() == float)
        }
    }

    // A second reader needs the average itself.
    @Test func keepsAnAverageThatIsReadElsewhere() throws {
        var network = Network.smallConvNet(sobel: false)
        network.append("fc", .linear(outputs: 256, hasBias: true))
        network.layers.append(Layer("sum", .add, inputs: ["fc", "pool"]))
        network.feature = "sum"
        let float = try SmallModels.checkpoint(network, size: 16, seed: 85)
        #expect(try float.poolingInParts() == float)
    }

}
