import Clustering
import FloatNetworks
import Model
import Tensors
import TestSupport

/// A folder of pictures in a colour for each label, with noise.
enum LabelledFolder {
    static let colours: [String: [Float]] = [
        "blue": [40, 60, 200], "green": [40, 180, 60], "red": [210, 50, 40],
    ]

    /// Writes so many pictures of 16 × 16 pixels for each label.
    static func write(_ count: Int, to folder: TemporaryFolder, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for (label, colour) in colours.sorted(by: { $0.key < $1.key }) {
            for number in 0..<count {
                let pixels = picture(colour, using: &random)
                let file = PNGWriter.encode(width: 16, height: 16, pixels: pixels)
                try folder.write(file, to: "\(label)/\(number).png")
            }
        }
    }

    /// So many pictures for each label as a network reads them, `[n, 16, 16, 3]`.
    static func views(_ count: Int, seed: UInt64) -> Tensor<UInt8> {
        var random = SeededGenerator(seed: seed)
        var pixels: [UInt8] = []
        for (_, colour) in colours.sorted(by: { $0.key < $1.key }) {
            for _ in 0..<count { pixels += picture(colour, using: &random) }
        }
        return Tensor(pixels, shape: [count * colours.count, 16, 16, 3])
    }

    private static func picture(
        _ colour: [Float], using random: inout SeededGenerator
    ) -> [UInt8] {
        (0..<16 * 16 * 3).map { index in
            let value: Float = colour[index % 3] + 20 * random.normal()
            return UInt8(min(max(value, 0), 255))
        }
    }
}

/// A checkpoint small enough to judge in a test.
enum SmallCheckpoint {
    /// A convolution, a pool, and what a shipped model has behind them, with random weights and
    /// centroids.
    static func make(clusters: Int = 6, seed: UInt64 = 5) throws -> Checkpoint {
        var network = Network(layers: [], feature: "pool")
        network.append(
            "conv",
            .convolution(
                Convolution(outputs: 12, kernel: 3, stride: 2, padding: Padding(1), hasBias: true)))
        network.append("relu", .relu)
        network.append("pool", .globalAveragePool)
        network.append("projection", .linear(outputs: 4, hasBias: true))
        network.append("normalize", .l2Normalize)
        network.append("centroids", .centroids(count: clusters))
        var random = SeededGenerator(seed: seed)
        var tensors = try FloatNetwork.initialTensors(
            for: network, inputShape: [16, 16, 3], using: &random)
        tensors["projection.weight"] = Tensor(random.normals(48, deviation: 0.5), shape: [4, 12])
        tensors["centroids.weight"] = normalizeRows(
            Tensor(random.normals(clusters * 4, deviation: 1), shape: [clusters, 4]))
        return Checkpoint(
            network: network,
            input: InputSpecification(width: 16, height: 16, shortSide: 16),
            precision: .float32,
            clustering: ClusteringDescription(
                clusters: clusters, dimension: 4, whiteningExponent: 0),
            provenance: Provenance(
                recipe: "deepcluster-v2", seed: seed, epochs: 1, pictures: 30,
                picturesDigest: String(repeating: "0", count: 64)),
            license: "CC0-1.0", tensors: tensors.mapValues { .float32($0) })
    }
}
