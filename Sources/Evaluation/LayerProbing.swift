import FloatNetworks
import Model
import Tensors

/// What a linear layer on the features of one layer reaches.
public struct LayerFigures: Codable, Equatable, Sendable {
    /// The convolution whose ReLU's map is probed, the layer itself where it stands behind no
    /// single convolution, or `embedding` for the network's embedding.
    public let layer: String
    /// The number of dimensions that the probe sees.
    public let dimension: Int
    /// The share of pictures whose label it finds after the last epoch.
    public let accuracy: Double
    /// The largest share after any epoch, which is what the reference code reports.
    public let bestAccuracy: Double
    /// That epoch, from 1.
    public let bestEpoch: Int

    /// What stands for the layer where the network's embedding is probed.
    package static let embedding = "embedding"

    /// The figures of a probe.
    package init(layer: String, dimension: Int, _ accuracy: LinearProbe.Accuracy) {
        (self.layer, self.dimension) = (layer, dimension)
        self.accuracy = accuracy.last
        (bestAccuracy, bestEpoch) = (accuracy.best, accuracy.bestEpoch)
    }
}

extension Sequence<LayerFigures> {
    /// The names of the layers, each once and in order, the embedding last: it stands behind
    /// every layer of every network.
    package var layerNames: [String] {
        var names: [String] = []
        for name in map(\.layer) where !names.contains(name) { names.append(name) }
        return names.filter { $0 != LayerFigures.embedding }
            + names.filter { $0 == LayerFigures.embedding }
    }
}

/// Pixels of some pictures with their labels.
package struct LabelledPixels: Sendable {
    /// `[n, height, width, 3]`.
    package let pixels: [UInt8]
    /// One a picture, from 0.
    package let labels: [Int32]

    /// Pixels and the labels of their pictures.
    package init(pixels: [UInt8], labels: [Int32]) {
        (self.pixels, self.labels) = (pixels, labels)
    }
}

/// Parts pictures into those that a probe learns from and every fifth of each label, which it is
/// judged by.
package struct EveryFifth<Label: Hashable> {
    private var seen: [Label: Int] = [:]

    /// Before the first picture.
    package init() {}

    /// The number of labels so far.
    package var labels: Int { seen.count }

    /// Whether the next picture, of this label, is judged by.
    package mutating func isJudged(_ label: Label) -> Bool {
        seen[label, default: 0] += 1
        return seen[label]!.isMultiple(of: 5)
    }
}

/// Linear probes of several layers of one network.
package struct LayerProbing {
    /// The probe.
    package var probe = LinearProbe()
    /// At most how many bytes of features are kept at once; more layers take more passes.
    package var memory = 2 << 30
    /// The number of threads.
    package var threads = 1

    /// The customary probe.
    package init() {}

    /// Probes layers.
    ///
    /// - Parameters:
    ///   - layers: The layers.
    ///   - weights: The network that they are of.
    ///   - classes: The number of labels.
    ///   - pictures: At most how many pictures there are in both, to share the memory.
    ///   - train: Begins a pass over the pictures that are learnt from, and gives its batches.
    ///   - test: The same for those that are judged by.
    ///   - done: Told each layer that is probed.
    /// - Returns: The figures, in the order of the layers.
    /// - Throws: What the passes throw; `FloatNetworkError` where the network cannot be run.
    package func run(
        _ layers: ProbedLayers, of weights: NetworkWeights, classes: Int, pictures: Int,
        train: () throws -> (() throws -> LabelledPixels?),
        test: () throws -> (() throws -> LabelledPixels?),
        done: (String) throws -> Void = { _ in }
    ) throws -> [LayerFigures] {
        var figures: [LayerFigures] = []
        for group in layers.groups(pictures: pictures, bytes: memory) {
            let network = try weights.runnable(group.graph, threads: threads)
            var learnt = try features(
                of: group, by: network, weights.input, room: pictures, train())
            var judged = try features(
                of: group, by: network, weights.input, room: pictures, test())
            for layer in group.layers {
                let accuracy = probe.run(
                    train: learnt.take(layer), test: judged.take(layer), classes: classes)
                figures.append(
                    LayerFigures(layer: layer.title, dimension: layer.dimension, accuracy))
                try done(layer.title)
            }
        }
        return figures
    }

    private func features(
        of group: ProbedLayers, by network: FloatNetwork, _ input: InputSpecification,
        room: Int, _ next: () throws -> LabelledPixels?
    ) throws -> GroupFeatures {
        var features = GroupFeatures()
        let names = Set(group.layers.map(ProbedLayers.pool))
        for layer in group.layers {
            // An array that grows is there twice for a moment; room that is not used costs none.
            var values: [Float] = []
            values.reserveCapacity(room * layer.dimension)
            features.values[ProbedLayers.pool(layer)] = values
        }
        while let batch = try next() {
            guard !batch.labels.isEmpty else { continue }
            let views = input.batch(of: batch.pixels.span, count: batch.labels.count)
            for (name, values) in network.evaluate(views, capturing: names).captured {
                features.values[name, default: []] += values.elements
            }
            features.labels += batch.labels
        }
        return features
    }
}

/// The features of a group of layers.
private struct GroupFeatures {
    var values: [String: [Float]] = [:]
    var labels: [Int32] = []

    /// The features of a layer, which are forgotten.
    mutating func take(_ layer: ProbedLayers.Probed) -> LinearProbe.Samples {
        let values = values.removeValue(forKey: ProbedLayers.pool(layer)) ?? []
        return LinearProbe.Samples(
            features: Tensor(values, shape: [labels.count, layer.dimension]), labels: labels)
    }
}
