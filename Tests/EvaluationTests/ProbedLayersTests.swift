import Evaluation
import Model
import Tensors
import Testing

struct ProbedLayersTests {
    // METHOD 3.1: 10 × 10 × 96, 6 × 6 × 256, 5 × 5 × 384 twice, 6 × 6 × 256.
    @Test func alexNetHasThePublishedDimensions() throws {
        let layers = try ProbedLayers(
            of: .alexNet(sobel: true), inputShape: [224, 224, 3]
        ).layers
        #expect(layers.map(\.title) == ["conv1", "conv2", "conv3", "conv4", "conv5"])
        #expect(layers.map(\.layer) == ["relu1", "relu2", "relu3", "relu4", "relu5"])
        #expect(layers.map(\.dimension) == [9600, 9216, 9600, 9600, 9216])
    }

    @Test(arguments: [16, 28, 32, 47, 64, 96])
    func smallNetworksStayBelowTheLimit(size: Int) throws {
        let layers = try ProbedLayers(
            of: .smallConvNet(sobel: false), inputShape: [size, size, 3])
        #expect(layers.layers.map(\.title) == ["conv1", "conv2", "conv3", "conv4"])
        for layer in layers.layers {
            #expect(layer.dimension <= 9600, "\(layer.title)")
            #expect(layer.dimension >= 32)
        }
        // What the probes do not read is left out, and the pools are what it ends in.
        let graph = layers.graph
        #expect(graph.layer("pool") == nil)
        let shapes = try graph.outputShapes(input: [size, size, 3])
        for layer in layers.layers {
            #expect(shapes["\(layer.layer) pooled"]?.count == layer.dimension)
        }
    }

    @Test func aDeepNetworkIsProbedAtTheEndsOfItsStages() throws {
        var network = Network(layers: [], feature: "pool")
        for index in 0..<9 {
            let stride = index % 3 == 0 ? 2 : 1
            network.append(
                "conv\(index)",
                .convolution(
                    Convolution(outputs: 8, kernel: 3, stride: stride, padding: Padding(1))))
            network.append("norm\(index)", .batchNorm(epsilon: 1e-5))
            network.append("relu\(index)", .relu6)
        }
        network.append("pool", .globalAveragePool)
        let layers = try ProbedLayers(of: network, inputShape: [64, 64, 3])
        #expect(layers.layers.map(\.title) == ["conv2", "conv5", "conv8"])
        let named = try ProbedLayers(
            of: network, inputShape: [64, 64, 3], named: ["relu1", "conv0"])
        #expect(named.layers.map(\.title) == ["conv1", "conv0"])
        #expect(throws: EvaluationError.self) {
            try ProbedLayers(of: network, inputShape: [64, 64, 3], named: ["pool"])
        }
    }

    @Test func groupsFitTheBudget() throws {
        let layers = try ProbedLayers(of: .alexNet(sobel: false), inputShape: [224, 224, 3])
        let sizes = layers.groups(pictures: 100, bytes: 8_000_000).map { $0.layers.count }
        #expect(sizes == [2, 2, 1])
        #expect(layers.groups(pictures: 100, bytes: 0).count == 5)
        #expect(layers.groups(pictures: 1, bytes: .max).count == 1)
    }
}
