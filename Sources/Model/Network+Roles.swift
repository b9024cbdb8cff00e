extension Network {
    /// The linear layers whose accumulators are scaled to float instead of being requantized:
    /// those that only the L2 normalization reads.
    public func isProjection(_ layer: Layer) -> Bool {
        guard case .linear = layer.kind else { return false }
        return Roles(self).isProjection(layer)
    }

    /// Whether the layer's output is an 8-bit tensor in an int8 checkpoint.
    public func isQuantized(_ layer: Layer) -> Bool {
        switch layer.kind {
        case .l2Normalize, .centroids: false
        default: !isProjection(layer)
        }
    }

    /// What each layer is in an int8 checkpoint, found in one pass over the graph.
    struct Roles {
        private var layers: [String: Layer] = [:]
        /// The names that a normalization reads, and those that another layer reads.
        private var (normalized, others) = (Set<String>(), Set<String>())

        init(_ network: Network) {
            for layer in network.layers {
                layers[layer.name] = layer
                if layer.kind == .l2Normalize {
                    normalized.formUnion(layer.inputs)
                } else {
                    others.formUnion(layer.inputs)
                }
            }
        }

        func layer(_ name: String) -> Layer? { layers[name] }

        func isProjection(_ layer: Layer) -> Bool {
            guard case .linear = layer.kind else { return false }
            return normalized.contains(layer.name) && !others.contains(layer.name)
        }

        func isQuantized(_ layer: Layer) -> Bool {
            switch layer.kind {
            case .l2Normalize, .centroids: false
            default: !isProjection(layer)
            }
        }
    }
}
