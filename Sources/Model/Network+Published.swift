// Networks known from the literature, headless: each ends at the feature that is clustered.
// Layers are named as in the reference implementations, so that their weights are found.

extension Network {
    /// The VGG16 variant of DeepCluster: batch norm after every convolution; it ends at the raw
    /// output of `fc7`, `[4096]`.
    ///
    /// For 224×224 pictures. Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for
    /// Large-Scale Image Recognition", ICLR 2015 (arXiv:1409.1556), and Caron et al., ECCV 2018.
    ///
    /// - Parameter sobel: Whether the fixed edge filter comes first.
    /// - Returns: The network without a head; parameters number 134,268,416 with Sobel.
    public static func vgg16(sobel: Bool) -> Network {
        var network = Network(layers: [], feature: "fc7")
        if sobel { network.append("sobel", .sobel) }
        let stages = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
        for (stage, (outputs, count)) in stages.enumerated() {
            for index in 1...count {
                network.appendBlock(
                    "\(stage + 1)_\(index)",
                    Convolution(outputs: outputs, kernel: 3, padding: Padding(1)))
            }
            network.append("pool\(stage + 1)", .maxPool(Pooling(kernel: 2, stride: 2)))
        }
        network.append("fc6", .linear(outputs: 4096, hasBias: true))
        network.append("relu6", .relu)
        network.append("drop7", .dropout(probability: 0.5))
        network.append("fc7", .linear(outputs: 4096, hasBias: true))
        return network
    }
}

// MARK: - ResNet

extension Network {
    /// ResNet-18 in torchvision's shape; it ends at the global average, `[512]`.
    ///
    /// For 224×224 pictures. Source of all three: He et al., "Deep Residual Learning for Image
    /// Recognition", CVPR 2016 (arXiv:1512.03385).
    public static func resNet18() -> Network {
        resNet(blocks: [2, 2, 2, 2], hasBottlenecks: false)
    }

    /// ResNet-34 in torchvision's shape; it ends at the global average, `[512]`.
    public static func resNet34() -> Network {
        resNet(blocks: [3, 4, 6, 3], hasBottlenecks: false)
    }

    /// ResNet-50 in torchvision's shape, which halves maps in the 3×3 convolution of a block
    /// and not in its first 1×1; it ends at the global average, `[2048]`.
    public static func resNet50() -> Network {
        resNet(blocks: [3, 4, 6, 3], hasBottlenecks: true)
    }

    private static func resNet(blocks: [Int], hasBottlenecks: Bool) -> Network {
        var network = Network(layers: [], feature: "avgpool")
        network.appendConvolution(
            "conv1", "bn1",
            Convolution(outputs: 64, kernel: 7, stride: 2, padding: Padding(3), hasBias: false))
        network.append("relu", .relu)
        network.append("maxpool", .maxPool(Pooling(kernel: 3, stride: 2, padding: Padding(1))))
        var channels = 64
        for (stage, count) in blocks.enumerated() {
            let width = 64 << stage
            for index in 0..<count {
                channels = network.appendResidualBlock(
                    "layer\(stage + 1).\(index)", width: width, inputs: channels,
                    stride: stage > 0 && index == 0 ? 2 : 1, isBottleneck: hasBottlenecks)
            }
        }
        network.append("avgpool", .globalAveragePool)
        return network
    }

    /// Appends a basic or a bottleneck block and returns its output channels.
    private mutating func appendResidualBlock(
        _ name: String, width: Int, inputs: Int, stride: Int, isBottleneck: Bool
    ) -> Int {
        let start = output
        let outputs = isBottleneck ? width * 4 : width
        let convolutions =
            isBottleneck
            ? [(width, 1, 1), (width, 3, stride), (outputs, 1, 1)]
            : [(width, 3, stride), (width, 3, 1)]
        for (index, (outputs, kernel, stride)) in convolutions.enumerated() {
            if index > 0 { append("\(name).relu\(index)", .relu) }
            appendConvolution(
                "\(name).conv\(index + 1)", "\(name).bn\(index + 1)",
                Convolution(
                    outputs: outputs, kernel: kernel, stride: stride,
                    padding: Padding(kernel / 2), hasBias: false))
        }
        let residual = output
        var shortcut = start
        if stride > 1 || inputs != outputs {
            shortcut = "\(name).downsample.1"
            layers.append(
                Layer(
                    "\(name).downsample.0",
                    .convolution(
                        Convolution(outputs: outputs, kernel: 1, stride: stride, hasBias: false)),
                    inputs: [start]))
            append(shortcut, .batchNorm(epsilon: 1e-5))
        }
        layers.append(Layer("\(name).add", .add, inputs: [residual, shortcut]))
        append("\(name).relu", .relu)
        return outputs
    }

    private mutating func appendConvolution(
        _ name: String, _ norm: String, _ convolution: Convolution, epsilon: Float = 1e-5
    ) {
        append(name, .convolution(convolution))
        append(norm, .batchNorm(epsilon: epsilon))
    }
}

// MARK: - EfficientNet-Lite

extension Network {
    /// EfficientNet-Lite0; it ends at the global average of the last convolution, `[1280]`.
    ///
    /// "Same" padding is TensorFlow's: at stride 2 an odd row and column go to the bottom and the
    /// right, so it depends on the size. Source: Tan and Le, "EfficientNet: Rethinking Model
    /// Scaling for Convolutional Neural Networks", ICML 2019 (arXiv:1905.11946), in the variant
    /// without squeeze-and-excitation and with ReLU6 of TensorFlow's `efficientnet/lite`.
    ///
    /// - Parameter size: The side of the input in pixels.
    /// - Returns: The network without its classifier; parameters number 3,371,008.
    public static func efficientNetLite0(size: Int = 224) -> Network {
        var network = Network(layers: [], feature: "avgpool")
        var size = size
        network.appendLite("conv_stem", "bn0", outputs: 32, kernel: 3, stride: 2, size: &size)
        network.append("relu0", .relu6)
        var channels = 32
        var number = 0
        for stage in liteStages {
            for index in 0..<stage.repeats {
                network.appendInvertedResidual(
                    "blocks.\(number)", stage, isFirst: index == 0, inputs: channels, size: &size)
                channels = stage.outputs
                number += 1
            }
        }
        network.appendLite("conv_head", "bn1", outputs: 1280, kernel: 1, size: &size)
        network.append("relu1", .relu6)
        network.append("avgpool", .globalAveragePool)
        return network
    }

    private typealias LiteStage = (
        repeats: Int, kernel: Int, stride: Int, expansion: Int, outputs: Int
    )

    private static var liteStages: [LiteStage] {
        [
            (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
            (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
        ]
    }

    /// Expansion (1×1), depthwise convolution and projection (1×1, no activation), added to the
    /// block's input where both have the same shape.
    private mutating func appendInvertedResidual(
        _ name: String, _ stage: LiteStage, isFirst: Bool, inputs: Int, size: inout Int
    ) {
        let start = output
        let width = inputs * stage.expansion
        if stage.expansion > 1 {
            appendLite("\(name).expand_conv", "\(name).bn0", outputs: width, kernel: 1, size: &size)
            append("\(name).relu0", .relu6)
        }
        appendLite(
            "\(name).depthwise_conv", "\(name).bn1", outputs: width, kernel: stage.kernel,
            stride: isFirst ? stage.stride : 1, groups: width, size: &size)
        append("\(name).relu1", .relu6)
        appendLite(
            "\(name).project_conv", "\(name).bn2", outputs: stage.outputs, kernel: 1, size: &size)
        if !isFirst {
            layers.append(Layer("\(name).add", .add, inputs: [output, start]))
        }
    }

    private mutating func appendLite(
        _ name: String, _ norm: String, outputs: Int, kernel: Int, stride: Int = 1,
        groups: Int = 1, size: inout Int
    ) {
        let outputSize = (size + stride - 1) / stride
        let total = max(0, (outputSize - 1) * stride + kernel - size)
        let (before, after) = (total / 2, total - total / 2)
        appendConvolution(
            name, norm,
            Convolution(
                outputs: outputs, kernel: kernel, stride: stride,
                padding: Padding(top: before, left: before, bottom: after, right: after),
                groups: groups, hasBias: false), epsilon: 1e-3)
        size = outputSize
    }
}
