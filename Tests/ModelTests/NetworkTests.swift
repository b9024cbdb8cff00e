import Foundation
import Model
import Tensors
import Testing

struct NetworkTests {
    // METHOD's table of the AlexNet variant: map sizes and the 9,216 inputs of fc6.
    @Test func alexNetHasThePublishedShapes() throws {
        let shapes = try Network.alexNet(sobel: true).outputShapes(input: [224, 224, 3])
        #expect(shapes["sobel"] == [224, 224, 2])
        #expect(shapes["conv1"] == [55, 55, 96])
        #expect(shapes["pool1"] == [27, 27, 96])
        #expect(shapes["conv2"] == [27, 27, 256])
        #expect(shapes["conv3"] == [13, 13, 384])
        #expect(shapes["pool5"] == [6, 6, 256])
        #expect(shapes["fc7"] == [4096])
    }

    @Test(arguments: [28, 32, 64, 96])
    func theSmallNetworkTakesPicturesOf28To96Pixels(size: Int) throws {
        let shapes = try Network.smallConvNet(sobel: false).outputShapes(input: [size, size, 3])
        #expect(shapes["pool"] == [256])
        #expect(shapes["conv4"] == [size / 8, size / 8, 256])
    }

    // Parameters of the convolutions, batch norms (weight and bias) and linear layers, as the
    // papers' tables and torchvision's models have them once the classifier is taken off.
    @Test(arguments: [
        (Network.vgg16(sobel: true), 134_268_416, [4096]),
        (.resNet18(), 11_689_512 - 513_000, [512]),
        (.resNet34(), 21_797_672 - 513_000, [512]),
        (.resNet50(), 25_557_032 - 2_049_000, [2048]),
        (.efficientNetLite0(), 4_652_008 - 1_281_000, [1280]),
    ])
    func publishedNetworksHaveTheirParameters(network: Network, count: Int, feature: [Int]) throws {
        let shapes = try network.outputShapes(input: [224, 224, 3])
        var parameters = 0
        for layer in network.layers {
            let input = try #require(shapes[layer.inputs[0]])
            switch layer.kind {
            case .convolution(let convolution):
                parameters += convolution.filterShape(input).count
                parameters += convolution.hasBias ? convolution.outputs : 0
            case .batchNorm: parameters += 2 * input[2]
            case .linear(let outputs, _): parameters += (input.count + 1) * outputs
            default: break
            }
        }
        #expect(parameters == count)
        #expect(shapes[network.feature]?.extents == feature)
    }

    // TensorFlow's "same" padding halves every even map exactly.
    @Test func efficientNetHalvesItsMapsFiveTimes() throws {
        let shapes = try Network.efficientNetLite0().outputShapes(input: [224, 224, 3])
        #expect(shapes["conv_stem"] == [112, 112, 32])
        #expect(shapes["blocks.1.depthwise_conv"] == [56, 56, 96])
        #expect(shapes["blocks.3.depthwise_conv"] == [28, 28, 144])
        #expect(shapes["blocks.5.depthwise_conv"] == [14, 14, 240])
        #expect(shapes["blocks.11.depthwise_conv"] == [7, 7, 672])
        #expect(shapes["conv_head"] == [7, 7, 1280])
    }

    @Test func everyKindSurvivesItsJSON() throws {
        var asymmetric = Convolution(outputs: 8, kernel: 3, stride: 2, groups: 2, hasBias: false)
        asymmetric.kernelWidth = 5
        asymmetric.padding = Padding(top: 0, left: 1, bottom: 2, right: 3)
        let kinds: [LayerKind] = [
            .sobel, .convolution(asymmetric), .batchNorm(epsilon: 1e-3), .relu, .relu6,
            .maxPool(Pooling(kernel: 3, stride: 2)),
            .averagePool(Pooling(kernel: 2, stride: 1, padding: Padding(1), countsPadding: false)),
            .globalAveragePool, .linear(outputs: 7, hasBias: true), .dropout(probability: 0.25),
            .add, .l2Normalize, .centroids(count: 3),
        ]
        let network = Network(
            layers: kinds.enumerated().map { Layer("l\($0)", $1, inputs: ["input"]) },
            feature: "l0")
        let coded = try JSONEncoder().encode(network)
        #expect(try JSONDecoder().decode(Network.self, from: coded) == network)
    }

    @Test func anUnknownKindIsRefusedByName() {
        let text = #"{"feature":"a","layers":[{"name":"a","kind":"warp","inputs":["input"]}]}"#
        #expect {
            try JSONDecoder().decode(Network.self, from: Data(text.utf8))
        } throws: { "\($0)".contains("'a' is of the unknown kind 'warp'") }
    }

    @Test(arguments: [
        (
            [Layer("a", .relu, inputs: ["b"]), Layer("b", .relu, inputs: ["a"])],
            NetworkError.unknownInput(layer: "a", input: "b")
        ),
        (
            [Layer("a", .relu, inputs: ["input"]), Layer("a", .relu, inputs: ["input"])],
            .duplicateName("a")
        ),
        (
            [Layer("a", .add, inputs: ["input"])],
            .wrongInputCount(layer: "a", found: 1, expected: 2)
        ),
        ([Layer("b", .relu, inputs: ["input"])], .unknownFeature("a")),
        ([Layer("input", .relu, inputs: ["input"])], .duplicateName("input")),
    ])
    func graphsThatDoNotFitAreRefused(layers: [Layer], error: NetworkError) {
        #expect(throws: error) {
            try Network(layers: layers, feature: "a").outputShapes(input: [8, 8, 3])
        }
    }

    @Test(arguments: [
        Convolution(outputs: 4, kernel: 9), Convolution(outputs: 4, kernel: 3, groups: 2),
        Convolution(outputs: 4, kernel: 3, stride: 0), Convolution(outputs: 0, kernel: 3),
        Convolution(outputs: 1 << 40, kernel: 3),
        Convolution(outputs: 4, kernel: 3, padding: Padding(-1)),
    ])
    func convolutionsThatCannotRunAreRefused(convolution: Convolution) {
        let layers = [Layer("a", .convolution(convolution), inputs: ["input"])]
        #expect(throws: NetworkError.self) {
            try Network(layers: layers, feature: "a").outputShapes(input: [8, 8, 3])
        }
    }
}
