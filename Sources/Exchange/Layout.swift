import Model

/// A published network as its tensors are named in a file.
struct Layout {
    /// What it is called for people.
    let name: String
    /// The licence of the published weights, where there is one for all of them.
    let license: String?
    let input: InputSpecification
    /// The graph at its published widths; those of a file are read from the tensors.
    let network: Network
    /// What comes after the network in the file and is dropped unless it is asked for.
    let head: Head?
    /// The names that tensors of a layer begin with, by layer.
    let sources: [String: String]
    /// Tensors with fixed values, which the graph has as a layer without tensors.
    let constants: [String: [Float]]
    /// Tensors that tell this network from another whose tensors it has.
    let required: [String]
    /// The beginnings of the names of tensors that belong to nothing that is kept.
    let ignored: [String]

    /// Layers behind the feature: a classifier, or the projection of contrastive training.
    struct Head {
        let kind: ImportedNetwork.Head
        let layers: [(name: String, kind: LayerKind, source: String?)]
        /// The feature where the head is kept, as it is better than the backbone's for what the
        /// network was trained for; `nil` where it stays what it is.
        let feature: String?
    }

    init(
        _ name: String, license: String? = nil, input: InputSpecification = .square(224),
        network: Network, head: Head?, sources: [String: String],
        constants: [String: [Float]] = [:], required: [String] = [], ignored: [String] = []
    ) {
        self.name = name
        self.license = license
        self.input = input
        self.network = network
        self.head = head
        self.sources = sources
        self.constants = constants
        self.required = required
        self.ignored = ignored
    }

    /// The names of the tensors that the network needs, in its order.
    var needed: [String] {
        let names = network.layers.flatMap { layer in
            layer.kind.tensors.map { "\(sources[layer.name] ?? layer.name).\($0)" }
        }
        return constants.keys.sorted() + names + required
    }

    /// Whether a tensor of the file may be left out in silence.
    func ignores(_ name: String) -> Bool {
        name.hasSuffix(".num_batches_tracked") || ignored.contains { name.hasPrefix($0) }
            || head?.layers.contains { name.hasPrefix("\($0.source ?? $0.name).") } ?? false
    }
}

extension LayerKind {
    /// The names of the tensors that a layer of this kind has in a float network.
    var tensors: [String] {
        switch self {
        case .convolution(let convolution): convolution.hasBias ? ["weight", "bias"] : ["weight"]
        case .linear(_, let hasBias): hasBias ? ["weight", "bias"] : ["weight"]
        case .batchNorm: ["weight", "bias", "running_mean", "running_var"]
        default: []
        }
    }
}

extension Layout.Head {
    /// One linear layer that ends in classes, behind an activation where `activation` names one.
    static func classifier(
        _ name: String, activation: String? = nil, source: String? = nil
    ) -> Layout.Head {
        let relu = activation.map { (name: $0, kind: LayerKind.relu, source: String?.none) }
        let linear = (name: name, kind: LayerKind.linear(outputs: 1, hasBias: true), source: source)
        return Layout.Head(
            kind: .classifier, layers: [relu, linear].compactMap(\.self), feature: nil)
    }
}
