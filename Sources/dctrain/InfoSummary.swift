import Files
import Foundation
import Model
import Tensors

/// All that can be said about a checkpoint without a picture.
struct CheckpointSummary: Encodable {
    /// One layer of the network.
    struct Row: Encodable {
        let name: String
        let kind: String
        let output: [Int]
        let parameters: Int
        /// Multiply-adds for one picture.
        let multiplyAdds: Int

        private enum CodingKeys: String, CodingKey {
            case name, kind, output, parameters
            case multiplyAdds = "multiply_adds"
        }
    }

    let file: String
    let bytes: Int
    let sha256: String
    let precision: Precision
    let weightBits: Int?
    let input: InputSpecification
    let clustering: ClusteringDescription?
    let provenance: Provenance
    let license: String
    /// Of int8 checkpoints that can be run.
    let plan: PlanSummary?
    let layers: [Row]

    private enum CodingKeys: String, CodingKey {
        case file, bytes, sha256, precision, input, clustering, provenance, license, plan, layers
        case weightBits = "weight_bits"
    }

    /// Reads and checks the checkpoint at `path`.
    init(contentsOf path: String) throws {
        let checkpoint = try Checkpoint(contentsOf: path)
        file = path
        sha256 = try FileDigest.sha256(ofFileAt: FilePath(path))
        bytes = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        precision = checkpoint.precision
        weightBits = checkpoint.weightBits
        input = checkpoint.input
        clustering = checkpoint.clustering
        provenance = checkpoint.provenance
        license = checkpoint.license
        // A network that is too large to run here can be told about all the same.
        plan = (try? PlanSummary(checkpoint)) ?? nil
        let shapes = try checkpoint.network.outputShapes(input: checkpoint.inputShape)
        layers = checkpoint.network.layers.map { layer in
            Row(layer, in: checkpoint, shapes: shapes)
        }
    }
}

extension CheckpointSummary.Row {
    /// The tensors of these names are weights; scales and ranges are not counted.
    private static let weightNames = ["weight", "bias", "running_mean", "running_var"]

    fileprivate init(_ layer: Layer, in checkpoint: Checkpoint, shapes: [String: Shape]) {
        name = layer.name
        kind = layer.kind.summary
        let shape = shapes[layer.name] ?? []
        output = shape.extents
        parameters = Self.weightNames.reduce(0) { sum, name in
            sum + (checkpoint.tensors["\(layer.name).\(name)"]?.shape.count ?? 0)
        }
        let weights = checkpoint.tensors["\(layer.name).weight"]?.shape.count ?? 0
        multiplyAdds =
            switch layer.kind {
            // Each filter is applied at every position of the output map.
            case .convolution: weights * shape[0] * shape[1]
            case .linear, .centroids: weights
            case .sobel: 3 * 3 * 3 * shape.count
            default: 0
            }
    }
}

extension LayerKind {
    /// The kind and its hyper-parameters in a few words.
    fileprivate var summary: String {
        switch self {
        case .sobel: "Sobel edge filter"
        case .convolution(let convolution): convolution.summary
        case .batchNorm: "batch norm"
        case .relu: "ReLU"
        case .relu6: "ReLU6"
        case .maxPool(let pooling): "max pool \(pooling.summary)"
        case .averagePool(let pooling): "average pool \(pooling.summary)"
        case .globalAveragePool: "global average pool"
        case .linear: "linear"
        case .dropout(let probability): "dropout \(probability)"
        case .add: "add"
        case .l2Normalize: "L2 normalize"
        case .centroids: "distances to centroids"
        }
    }
}

extension Convolution {
    fileprivate var summary: String {
        var words = "convolution \(kernelHeight)×\(kernelWidth)"
        if stride != 1 { words += ", stride \(stride)" }
        if groups != 1 { words += ", \(groups) groups" }
        return words
    }
}

extension Pooling {
    fileprivate var summary: String { "\(kernel)×\(kernel), stride \(stride)" }
}
