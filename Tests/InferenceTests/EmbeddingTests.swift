import Inference
import Model
import Tensors
import Testing

/// The float end of a network, by hand: a 1×1 picture goes through a projection of three
/// channels to two dimensions.
struct EmbeddingTests {
    static func checkpoint(weights: [Int8], centroids: [Float]) throws -> Checkpoint {
        let network = Int8Checkpoints.ending(
            Network(layers: [], feature: Network.input), dimension: 2,
            clusters: centroids.count / 2)
        var checkpoint = try Int8Checkpoints.random(network, width: 1, height: 1, seed: 1)
        // One step of a pixel is one step of the input, with zero at 100.
        checkpoint.input.mean = [100, 100, 100].map { Float($0) / 255 }
        checkpoint.input.standardDeviation = [1 / 255, 1 / 255, 1 / 255]
        checkpoint.set(Network.input, Format(scale: 1, zeroPoint: 100, low: 0, high: 255))
        checkpoint.tensors["projection.weight"] = .int8(Tensor(weights, shape: [2, 3]))
        checkpoint.tensors["projection.bias"] = .int32(Tensor([0, 0], shape: [2]))
        checkpoint.tensors["projection.weight_scale"] = .float32(Tensor([0.5, 0.25], shape: [2]))
        checkpoint.tensors["centroids.weight"] = .float32(
            Tensor(centroids, shape: [centroids.count / 2, 2]))
        return checkpoint
    }

    @Test func scaledNormalizedAndAssigned() throws {
        let plan = try InferencePlan(
            try Self.checkpoint(weights: [1, 0, 0, 0, 2, 0], centroids: [0, 1, 0.6, 0.8, 1, 0]))
        // x − z = (6, 16, 0): accumulators (6, 32), e = (3, 8), norm √73.
        let result = plan.embed([106, 116, 100].span, count: 1)[0]
        let norm = 73.0.squareRoot()
        #expect(result.vector == [Float(3 / norm), Float(8 / norm)])
        #expect(result.cluster == 1 && result.second == 0)
        let (x, y) = (result.vector[0], result.vector[1])
        let distance = ((x - 0.6) * (x - 0.6) + (y - 0.8) * (y - 0.8)).squareRoot()
        let other = (x * x + (y - 1) * (y - 1)).squareRoot()
        #expect(result.distance == distance && result.margin == 1 - distance / other)
    }

    @Test func zeroStaysZeroAndTiesGoToTheLowestID() throws {
        let plan = try InferencePlan(
            try Self.checkpoint(
                weights: [1, 0, 0, 0, 2, 0], centroids: [3, 0, 0, 1, -1, 0, 1, 0]))
        let result = plan.embed([100, 100, 7].span, count: 1)[0]
        #expect(
            result == Embedding(vector: [0, 0], cluster: 1, distance: 1, second: 2, margin: 0))
    }

    @Test func oneCentroidIsItsOwnRunnerUp() throws {
        let plan = try InferencePlan(
            try Self.checkpoint(weights: [1, 0, 0, 0, 2, 0], centroids: [0, 0]))
        let result = plan.embed([101, 100, 7].span, count: 1)[0]
        #expect(
            result == Embedding(vector: [1, 0], cluster: 0, distance: 1, second: 0, margin: 0))
    }

    @Test func equalCentroidsHaveNoMargin() throws {
        let plan = try InferencePlan(
            try Self.checkpoint(weights: [1, 0, 0, 0, 2, 0], centroids: [1, 0, 1, 0]))
        let result = plan.embed([101, 100, 7].span, count: 1)[0]
        #expect(
            result == Embedding(vector: [1, 0], cluster: 0, distance: 0, second: 1, margin: 0))
    }
}
