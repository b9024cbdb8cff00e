import Files
import FloatNetworks
import Foundation
public import Model
internal import Tensors
import Vocabulary

/// The checkpoint that a run begins with instead of random weights.
///
/// Of its layers those up to the feature are taken: a classifier, a projection or clusters of
/// earlier work are not trained on.
public struct InitialModel: Codable, Sendable, Equatable {
    /// The name it was given by.
    public let name: String
    /// The SHA-256 of its file.
    public let sha256: String
    /// Its layers up to the feature.
    public let network: Network
    /// How a picture becomes its input.
    public let input: InputSpecification
    /// The licence of its weights, which goes on to what is made of them.
    public let license: String
    /// The file that its weights were first imported from, or itself.
    public let source: String

    /// Whether the fixed edge filter comes first.
    var hasSobel: Bool { network.layers.contains { $0.kind == .sobel } }

    /// Looks at the checkpoint at `path`.
    ///
    /// - Parameters:
    ///   - path: A float checkpoint, of this program or imported.
    ///   - size: Another side of the input than the checkpoint's, in pixels.
    /// - Throws: `CheckpointError` for a file that is none or is int8, `TrainingError` for a
    ///   network that cannot be trained at that size.
    init(contentsOf path: String, size: Int? = nil) throws {
        let checkpoint = try Checkpoint(contentsOf: path, needed: .float32)
        name = path
        sha256 = try FileDigest.sha256(ofFileAt: FilePath(path))
        let feature = checkpoint.network.feature
        network = Network(
            layers: checkpoint.network.layers(neededFor: [feature]), feature: feature)
        license = checkpoint.license
        source =
            checkpoint.provenance.source
            ?? "\(URL(filePath: path).lastPathComponent), SHA-256 \(sha256)"
        input = size.map { checkpoint.input.resized(to: $0) } ?? checkpoint.input
        let shapes = try FloatNetwork.shapes(
            of: network, [input.height, input.width, 3])
        for tensor in FloatNetwork.specifications(of: network, shapes: shapes) {
            let found = try checkpoint.float(tensor.name).shape
            guard found == tensor.shape else {
                throw VocabularyError.invalidSetting(
                    name: "--size", value: "\(input.width)",
                    remedy: "the linear layers of '\(path)' take pictures of "
                        + "\(checkpoint.input.width) pixels alone, leave --size out")
            }
        }
    }

    /// The weights that a network of these layers begins with.
    ///
    /// - Returns: Weights and running statistics by name.
    /// - Throws: `VocabularyError.invalidSetting` where the file is another by now, or
    ///   `CheckpointError`.
    func weights() throws -> [String: Tensor<Float>] {
        guard try FileDigest.sha256(ofFileAt: FilePath(name)) == sha256 else {
            throw VocabularyError.invalidSetting(
                name: "--init", value: "'\(name)'",
                remedy: "the file has changed since the run was begun, bring the old one back or "
                    + "give another --run folder")
        }
        let checkpoint = try Checkpoint(contentsOf: name, needed: .float32)
        let shapes = try FloatNetwork.shapes(of: network, [input.height, input.width, 3])
        let names = FloatNetwork.specifications(of: network, shapes: shapes).map(\.name)
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try checkpoint.float($0)) })
    }
}

// The run folder writes its keys with underscores and reads them without, which a graph's own
// keys would not survive: it is kept as text, as a checkpoint keeps it.
extension InitialModel {
    private enum CodingKeys: String, CodingKey {
        case name, sha256, network, input, license, source
    }

    /// Reads what `encode(to:)` wrote.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let graph = try fields.decode(String.self, forKey: .network)
        network = try JSONDecoder().decode(Network.self, from: Data(graph.utf8))
        name = try fields.decode(String.self, forKey: .name)
        sha256 = try fields.decode(String.self, forKey: .sha256)
        input = try fields.decode(InputSpecification.self, forKey: .input)
        license = try fields.decode(String.self, forKey: .license)
        source = try fields.decode(String.self, forKey: .source)
    }

    /// Writes the graph as text and the rest as it is.
    public func encode(to encoder: any Encoder) throws {
        let graph = JSONEncoder()
        graph.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(
            String(decoding: graph.encode(network), as: UTF8.self), forKey: .network)
        try fields.encode(name, forKey: .name)
        try fields.encode(sha256, forKey: .sha256)
        try fields.encode(input, forKey: .input)
        try fields.encode(license, forKey: .license)
        try fields.encode(source, forKey: .source)
    }
}

extension InitialModel: CustomStringConvertible {
    /// The digest, which is the same wherever the file lies.
    public var description: String { "SHA-256 \(sha256)" }

    /// Equal weights are equal wherever they lie.
    public static func == (a: InitialModel, b: InitialModel) -> Bool {
        (a.sha256, a.input) == (b.sha256, b.input)
    }
}

extension InputSpecification {
    /// The same way to look at a picture, at `size` pixels a side.
    fileprivate func resized(to size: Int) -> InputSpecification {
        var input = self
        input.shortSide = max(size, shortSide * size / max(1, min(width, height)))
        (input.width, input.height) = (size, size)
        return input
    }
}
