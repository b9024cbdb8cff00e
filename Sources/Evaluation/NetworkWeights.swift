package import FloatNetworks
package import Model
package import Tensors

/// A float network as it is evaluated: the graph with its weights, trained or random.
package struct NetworkWeights: Sendable, Equatable {
    /// The graph.
    package let network: Network
    /// How a picture becomes its input.
    package let input: InputSpecification
    /// Every tensor of the graph, by name.
    package let tensors: [String: Tensor<Float>]

    /// A network with the given weights.
    package init(network: Network, input: InputSpecification, tensors: [String: Tensor<Float>]) {
        (self.network, self.input, self.tensors) = (network, input, tensors)
    }

    /// The network of a float checkpoint.
    ///
    /// - Throws: `CheckpointError` for a tensor that is not of floats.
    package init(_ checkpoint: Checkpoint) throws {
        var tensors: [String: Tensor<Float>] = [:]
        for name in checkpoint.tensors.keys { tensors[name] = try checkpoint.float(name) }
        self.init(network: checkpoint.network, input: checkpoint.input, tensors: tensors)
    }

    /// The backbone of `checkpoint` with the random weights that its training began with.
    ///
    /// - Throws: `FloatNetworkError` where the graph does not fit its input.
    package init(beforeTrainingOf checkpoint: Checkpoint) throws {
        let backbone = checkpoint.network.prefix(through: checkpoint.network.feature)
        var random = RandomStream.weights.generator(seed: checkpoint.provenance.seed)
        self.init(
            network: backbone, input: checkpoint.input,
            tensors: try FloatNetwork.initialTensors(
                for: backbone, inputShape: checkpoint.inputShape, using: &random))
    }

    /// One picture, `[height, width, 3]`.
    package var inputShape: Shape { [input.height, input.width, 3] }

    /// The network ready to run, with another graph of the same layers where one is given.
    ///
    /// - Parameters:
    ///   - graph: Layers that the weights have tensors for.
    ///   - threads: How many threads share the work.
    /// - Returns: The network, for evaluation.
    /// - Throws: `FloatNetworkError` where the graph does not fit together.
    package func runnable(_ graph: Network? = nil, threads: Int) throws -> FloatNetwork {
        try FloatNetwork(
            network: graph ?? network, inputShape: inputShape, tensors: tensors, threads: threads)
    }
}

extension Network {
    /// The layers up to the given one, which becomes the feature.
    package func prefix(through name: String) -> Network {
        let end = layers.firstIndex { $0.name == name }.map { $0 + 1 } ?? 0
        return Network(layers: Array(layers.prefix(end)), feature: name)
    }
}
