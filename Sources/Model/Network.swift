/// A network as data: a graph of layers, without weights.
public struct Network: Codable, Sendable, Equatable {
    /// The name under which layers refer to the network's input.
    public static let input = "input"

    /// The layers in an order in which each comes after its inputs.
    public var layers: [Layer]
    /// The layer whose output is the backbone's feature, before any projection.
    public var feature: String

    /// A network of the given layers.
    ///
    /// Nothing is checked here; `outputShapes(input:)` does that for a given input.
    public init(layers: [Layer], feature: String) {
        self.layers = layers
        self.feature = feature
    }

    /// The layer of the given name.
    public func layer(_ name: String) -> Layer? {
        layers.first { $0.name == name }
    }

    /// The layers that the given ones are computed from, these among them, in order.
    package func layers(neededFor names: Set<String>) -> [Layer] {
        var needed = names
        var kept: [Layer] = []
        for layer in layers.reversed() where needed.contains(layer.name) {
            needed.formUnion(layer.inputs)
            kept.append(layer)
        }
        return kept.reversed()
    }

    /// The name of the last layer, whose output is the network's.
    public var output: String { layers.last?.name ?? Network.input }

    /// Appends a layer that reads the output of the layer before it.
    public mutating func append(_ name: String, _ kind: LayerKind) {
        layers.append(Layer(name, kind, inputs: [output]))
    }
}

/// The reasons a graph of layers is refused.
public enum NetworkError: Error, Equatable, Sendable {
    /// There are more layers than any network has.
    case tooManyLayers(found: Int, most: Int)
    /// Two layers share a name, or one is called as the input.
    case duplicateName(String)
    /// A layer reads one that does not come before it.
    case unknownInput(layer: String, input: String)
    /// A layer has more or fewer inputs than its kind takes.
    case wrongInputCount(layer: String, found: Int, expected: Int)
    /// A hyper-parameter is out of range.
    case invalidParameter(layer: String, reason: String)
    /// A layer cannot take inputs of these shapes.
    case wrongInputShape(layer: String, found: [Int], expected: String)
    /// The layer named as the feature does not exist.
    case unknownFeature(String)
}

extension NetworkError: CustomStringConvertible {
    /// What is wrong, with the layer's name.
    public var description: String {
        switch self {
        case .tooManyLayers(let found, let most):
            "it has \(found) layers, at most \(most) are read"
        case .duplicateName(let name):
            "two layers are called '\(name)': each needs a name of its own"
        case .unknownInput(let layer, let input):
            "layer '\(layer)' reads '\(input)', which no layer before it is called"
        case .wrongInputCount(let layer, let found, let expected):
            "layer '\(layer)' has \(found) inputs, its kind takes \(expected)"
        case .invalidParameter(let layer, let reason):
            "layer '\(layer)' cannot be built: \(reason)"
        case .wrongInputShape(let layer, let found, let expected):
            "layer '\(layer)' is given \(found), it takes \(expected)"
        case .unknownFeature(let name):
            "the feature layer '\(name)' is not in the network"
        }
    }
}
