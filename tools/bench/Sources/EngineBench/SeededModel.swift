import FloatNetworks
import Model
import Tensors

/// A float checkpoint with random weights whose activations are like a trained network's: He
/// initialization (ICCV 2015), batch norm by the statistics of seeded pictures with gains and
/// offsets of its own, features centred before the projection, as PCA does.
struct SeededModel {
    private static let dimension = 256
    private static let clusters = 100

    private let network: Network
    private let input: InputSpecification
    private var random: SeededGenerator
    private var tensors: [String: Tensor<Float>]
    private var outputs: [String: Tensor<Float>]

    /// The checkpoint of a network.
    ///
    /// - Parameters:
    ///   - name: The network.
    ///   - pictures: How many pictures decide the statistics.
    ///   - seed: The seed of weights and pictures.
    /// - Returns: A checkpoint of precision `float32`, with clusters.
    /// - Throws: `TrainingError` where the graph does not fit together.
    static func checkpoint(
        _ name: BenchNetwork, pictures: Int, seed: UInt64
    ) throws -> Checkpoint {
        var network = name.backbone
        network.append("projection", .linear(outputs: dimension, hasBias: true))
        network.append("normalize", .l2Normalize)
        network.append("centroids", .centroids(count: clusters))
        var model = try SeededModel(network, size: name.size, pictures: pictures, seed: seed)
        for (index, layer) in network.layers.enumerated() {
            try model.settle(layer)
            model.forget(after: index)
        }
        return Checkpoint(
            network: network, input: model.input, precision: .float32,
            clustering: ClusteringDescription(
                clusters: clusters, dimension: dimension, whiteningExponent: 0),
            provenance: Provenance(
                recipe: "random \(name.rawValue)", seed: seed, epochs: 0, pictures: pictures,
                picturesDigest: ""),
            license: "CC0-1.0", tensors: model.tensors.mapValues { .float32($0) })
    }

    private init(_ network: Network, size: Int, pictures: Int, seed: UInt64) throws {
        self.network = network
        input = .square(size)
        random = SeededGenerator(seed: seed)
        tensors = try FloatNetwork.initialTensors(
            for: network, inputShape: [size, size, 3], using: &random)
        let views = SeededPictures.views(pictures, height: size, width: size, seed: seed)
        let table = input.normalizationTable()
        outputs = [
            Network.input: Tensor(
                views.elements.enumerated().map { table[256 * ($0 % 3) + Int($1)] },
                shape: views.shape)
        ]
    }

    /// Decides a layer's tensors from what reaches it, and computes its output.
    private mutating func settle(_ layer: Layer) throws {
        let inputs = layer.inputs.compactMap { outputs[$0] }
        switch layer.kind {
        case .convolution, .linear: drawWeights(layer, inputs[0])
        case .batchNorm: measure(layer, inputs[0])
        case .centroids(let count): drawCentroids(layer, count, inputs[0])
        default: break
        }
        if case .add = layer.kind {
            outputs[layer.name] = Tensor(
                zip(inputs[0].elements, inputs[1].elements).map { $0 + $1 },
                shape: inputs[0].shape)
        } else {
            outputs[layer.name] = try run(layer, inputs[0])
        }
    }

    /// One layer as a network of its own.
    private func run(_ layer: Layer, _ values: Tensor<Float>) throws -> Tensor<Float> {
        let alone = Network(
            layers: [Layer(layer.name, layer.kind, inputs: [Network.input])],
            feature: layer.name)
        let shape = Shape(Array(values.shape.extents.dropFirst()))
        return try FloatNetwork(network: alone, inputShape: shape, tensors: tensors)
            .evaluate(values).output
    }

    /// Lets go of what no later layer reads: the maps of VGG16 would take gigabytes.
    private mutating func forget(after index: Int) {
        let later = Set(network.layers.dropFirst(index + 1).flatMap(\.inputs))
        outputs = outputs.filter { later.contains($0.key) }
    }

    private mutating func drawWeights(_ layer: Layer, _ values: Tensor<Float>) {
        guard let shape = tensors["\(layer.name).weight"]?.shape else { return }
        let fanIn = shape.count / shape[0]
        let weight = random.normals(shape.count, deviation: (2 / Float(fanIn)).squareRoot())
        tensors["\(layer.name).weight"] = Tensor(weight, shape: shape)
        guard let bias = tensors["\(layer.name).bias"] else { return }
        // The projection's bias takes away the mean.
        let centre = values.columnMeans
        let shift = (0..<shape[0]).map { row in
            layer.name == "projection"
                ? -zip(weight[row * fanIn..<(row + 1) * fanIn], centre).reduce(0) {
                    $0 + $1.0 * $1.1
                }
                : random.normal() * 0.1
        }
        tensors["\(layer.name).bias"] = Tensor(shift, shape: bias.shape)
    }

    private mutating func measure(_ layer: Layer, _ values: Tensor<Float>) {
        let channels = values.shape.extents.last ?? 1
        var (sums, squares) = (
            [Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels)
        )
        for row in 0..<values.count / channels {
            for channel in 0..<channels {
                let value = Double(values.elements[row * channels + channel])
                sums[channel] += value
                squares[channel] += value * value
            }
        }
        let count = Double(values.count / channels)
        let means = sums.map { $0 / count }
        let variances = zip(squares, means).map { max($0 / count - $1 * $1, 1e-6) }
        // Offsets of about one deviation keep most units on their linear side, and a branch adds a
        // little to its sum: else a deep random network is chaotic, and would show one rounding
        // step of its input as another picture.
        let isBranch = network.layers.contains { $0.kind == .add && $0.inputs.contains(layer.name) }
        let gains = means.map { _ in random.uniform(in: 0.5...1.5) * (isBranch ? 0.3 : 1) }
        let offsets = means.map { _ in random.normal() * 0.3 + (isBranch ? 0 : 1) }
        for (part, elements) in [
            ("running_mean", means.map { Float($0) }), ("running_var", variances.map { Float($0) }),
            ("weight", gains), ("bias", offsets),
        ] {
            tensors["\(layer.name).\(part)"] = Tensor(elements, shape: [channels])
        }
    }

    private mutating func drawCentroids(_ layer: Layer, _ count: Int, _ values: Tensor<Float>) {
        let rows = (0..<count).flatMap { _ -> [Float] in
            let row = random.normals(values.rowSize, deviation: 1)
            let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return row.map { $0 / norm }
        }
        tensors["\(layer.name).weight"] = Tensor(rows, shape: [count, values.rowSize])
    }
}

extension Tensor<Float> {
    /// The mean over the rows.
    fileprivate var columnMeans: [Float] {
        var sums = [Float](repeating: 0, count: rowSize)
        for row in 0..<shape[0] {
            for (i, value) in self[row: row].enumerated() { sums[i] += value }
        }
        return sums.map { $0 / Float(shape[0]) }
    }
}
