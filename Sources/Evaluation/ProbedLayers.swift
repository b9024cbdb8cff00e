package import Model
package import Tensors

/// The layers of a network whose features are probed, each behind an average pool that leaves
/// a bounded number of dimensions.
///
/// A map of `side` × `side` positions and C channels is pooled to about `√(most / C)` positions a
/// side. For the AlexNet of DeepCluster at 224 pixels and 9,600 dimensions this gives the
/// published pools: 10 × 10, 6 × 6, 5 × 5, 5 × 5 and 6 × 6.
///
/// Source: the reference code's `eval_linear` (METHOD 3.1); Zhang et al., "Split-Brain
/// Autoencoders", CVPR 2017, for the roughly equal dimensions.
package struct ProbedLayers: Sendable {
    /// A layer that is probed.
    package struct Probed: Sendable, Equatable {
        /// The layer whose output is read: what follows a convolution's ReLU.
        package let layer: String
        /// The name to tell it by: the convolution's, where one leads straight to it.
        package let title: String
        /// The number of dimensions behind the pool.
        package let dimension: Int
        let pooling: Pooling
    }

    /// The dimensions that the published probes have at most.
    package static let mostDimensions = 9600

    /// The probed layers, in the network's order.
    package let layers: [Probed]
    private let network: Network

    /// Chooses the layers to probe.
    ///
    /// - Parameters:
    ///   - network: The network.
    ///   - inputShape: One picture, `[height, width, channels]`.
    ///   - names: The layers or their convolutions. Where there are none, each ReLU's map is
    ///     probed, and of too many the last at each size: the ends of a deep network's stages.
    ///   - most: The most dimensions of a feature.
    ///   - mostLayers: How many layers, where none are named, are too many from the next one on.
    /// - Throws: `NetworkError` where the network does not fit the input;
    ///   `EvaluationError.noSuchLayer`.
    package init(
        of network: Network, inputShape: Shape, named names: [String]? = nil,
        most: Int = mostDimensions, mostLayers: Int = 8
    ) throws {
        self.network = network
        let shapes = try network.outputShapes(input: inputShape)
        let all = network.layers.compactMap { layer -> Probed? in
            guard layer.kind == .relu || layer.kind == .relu6, let shape = shapes[layer.name],
                shape.rank == 3
            else { return nil }
            return Self.probed(layer, in: network, shape: shape, most: most)
        }
        if let names {
            layers = try names.map { name in
                guard let found = all.first(where: { $0.layer == name || $0.title == name }) else {
                    throw EvaluationError.noSuchLayer(name: name, known: all.map(\.title))
                }
                return found
            }
        } else if all.count > mostLayers {
            let sizes = all.map { shapes[$0.layer]!.extents.dropLast() }
            layers = all.indices.filter { !sizes[($0 + 1)...].contains(sizes[$0]) }.map { all[$0] }
        } else {
            layers = all
        }
    }

    private init(_ network: Network, _ layers: [Probed]) {
        (self.network, self.layers) = (network, layers)
    }

    /// The same layers in groups whose features of so many pictures fit a budget, one layer at
    /// least in each.
    ///
    /// - Parameters:
    ///   - pictures: The number of pictures.
    ///   - bytes: The budget of a group.
    /// - Returns: The groups, in order.
    package func groups(pictures: Int, bytes: Int) -> [ProbedLayers] {
        var groups: [[Probed]] = []
        var room = 0
        for layer in layers {
            let size = pictures * layer.dimension * MemoryLayout<Float>.size
            if groups.isEmpty || size > room {
                groups.append([])
                room = bytes
            }
            groups[groups.count - 1].append(layer)
            room -= size
        }
        return groups.map { ProbedLayers(network, $0) }
    }

    /// The network as far as the probes need it, with the pools behind it.
    package var graph: Network {
        let pools = layers.map {
            Layer(Self.pool($0), .averagePool($0.pooling), inputs: [$0.layer])
        }
        let graph = network.layers(neededFor: Set(layers.map(\.layer))) + pools
        return Network(layers: graph, feature: graph.last?.name ?? Network.input)
    }

    /// The name of a layer's pool in `graph`.
    static func pool(_ probed: Probed) -> String { "\(probed.layer) pooled" }
}

extension ProbedLayers {
    private static func probed(
        _ layer: Layer, in network: Network, shape: Shape, most: Int
    ) -> Probed {
        let pooling = pooling(side: max(shape[0], shape[1]), channels: shape[2], most: most)
        func pooled(_ side: Int) -> Int {
            (side + 2 * pooling.padding.top - pooling.kernel) / pooling.stride + 1
        }
        return Probed(
            layer: layer.name, title: network.convolution(before: layer) ?? layer.name,
            dimension: pooled(shape[0]) * pooled(shape[1]) * shape[2], pooling: pooling)
    }

    /// Windows side by side, of the size nearest to what leaves the wanted positions; the rest
    /// is padding, counted as in the reference code.
    static func pooling(side: Int, channels: Int, most: Int) -> Pooling {
        let wanted = max(1, Int((Double(most) / Double(channels)).squareRoot()))
        guard side > wanted else { return Pooling(kernel: 1, stride: 1) }
        // Halves to even: 55 positions to 10 are windows of 6, 27 to 6 are windows of 4.
        let nearest = Int((Double(side) / Double(wanted)).rounded(.toNearestOrEven))
        let padding = max(0, (wanted * nearest - side + 1) / 2)
        if padding <= nearest / 2, (side + 2 * padding - nearest) / nearest < wanted {
            return Pooling(kernel: nearest, stride: nearest, padding: Padding(padding))
        }
        // Larger windows without padding, fewer positions.
        let larger = (side + wanted - 1) / wanted
        return Pooling(kernel: larger, stride: larger)
    }
}

extension Network {
    /// The convolution whose output, normalized perhaps, an activation reads.
    package func convolution(before activation: Layer) -> String? {
        var name = activation.inputs.first
        while let current = name, let layer = layer(current) {
            switch layer.kind {
            case .convolution: return layer.name
            case .batchNorm: name = layer.inputs.first
            default: return nil
            }
        }
        return nil
    }
}
