public import Model

/// The backbones that can be trained from random weights.
public enum Architecture: String, Codable, Sendable, CaseIterable {
    /// Four 3×3 convolutions and a global average, for pictures of 28 to 96 pixels.
    case small
    /// The AlexNet variant of DeepCluster, for 224 pixels; its feature is `fc7`.
    case alexnet
    /// The VGG16 variant of DeepCluster, for 224 pixels; its feature is `fc7`.
    case vgg16
    /// ResNet-18, for 64 to 224 pixels; its feature is the global average.
    case resnet18

    /// The network without a head.
    ///
    /// - Parameter sobel: Whether the fixed edge filter comes first.
    /// - Returns: The graph, which ends at its feature.
    public func network(sobel: Bool) -> Network {
        switch self {
        case .small: .smallConvNet(sobel: sobel)
        case .alexnet: .alexNet(sobel: sobel)
        case .vgg16: .vgg16(sobel: sobel)
        case .resnet18: sobel ? Network.resNet18().onEdges : .resNet18()
        }
    }

    /// The sides of the input, in pixels, among which the pictures' own size decides.
    var customarySizes: ClosedRange<Int> {
        switch self {
        case .small: 16...64
        case .alexnet, .vgg16: 224...224
        case .resnet18: 32...224
        }
    }

    /// The least side that leaves something of a picture at the last layer.
    package var smallestSize: Int {
        switch self {
        case .small: 8
        case .alexnet: 63
        case .vgg16, .resnet18: 32
        }
    }
}

extension Network {
    /// The network behind the fixed edge filter.
    fileprivate var onEdges: Network {
        let edges = Layer("sobel", .sobel, inputs: [Network.input])
        let rest = layers.map { layer in
            Layer(
                layer.name, layer.kind,
                inputs: layer.inputs.map { $0 == Network.input ? edges.name : $0 })
        }
        return Network(layers: [edges] + rest, feature: feature)
    }
}
