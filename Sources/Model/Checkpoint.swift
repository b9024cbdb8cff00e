import Files
import Foundation
public import Tensors

/// A network with its weights, its clusters and all that is needed to use it: one file.
///
/// The file is a safetensors container whose `__metadata__` describes the network, its input,
/// the clustering, where the model comes from, and its licence. A model is known by the
/// SHA-256 of its file.
public struct Checkpoint: Sendable, Equatable {
    /// The graph of layers.
    public var network: Network
    /// How a picture becomes the network's input.
    public var input: InputSpecification
    /// The number format of the weights.
    public var precision: Precision
    /// The clusters, where the network has them.
    public var clustering: ClusteringDescription?
    /// Where the model comes from.
    public var provenance: Provenance
    /// The licence of the weights, as a short identifier.
    public var license: String
    /// In an int8 checkpoint, the number of bits that weights keep: 8, or 7 where they stay
    /// within ±63.
    public var weightBits: Int?
    /// The weights by name; names begin with their layer's.
    public var tensors: [String: WeightTensor]

    /// The value of the `format` field.
    static let format = "deepcluster"
    /// The newest format version, which is the one written.
    static let newestVersion = 1

    /// A checkpoint of the given parts.
    ///
    /// Nothing is checked here; `validate()` does that.
    public init(
        network: Network, input: InputSpecification, precision: Precision,
        clustering: ClusteringDescription?, provenance: Provenance, license: String,
        weightBits: Int? = nil, tensors: [String: WeightTensor]
    ) {
        self.network = network
        self.input = input
        self.precision = precision
        self.clustering = clustering
        self.provenance = provenance
        self.license = license
        self.weightBits = weightBits
        self.tensors = tensors
    }

    /// The shape of the network's input for one picture, `[height, width, 3]`.
    public var inputShape: Shape { [input.height, input.width, 3] }

    /// The float tensor of the given name.
    public func float(_ name: String) throws(CheckpointError) -> Tensor<Float> {
        guard case .float32(let tensor) = try tensor(name) else { throw wrongType(name, "F32") }
        return tensor
    }

    /// The int8 tensor of the given name.
    public func int8(_ name: String) throws(CheckpointError) -> Tensor<Int8> {
        guard case .int8(let tensor) = try tensor(name) else { throw wrongType(name, "I8") }
        return tensor
    }

    /// The int32 tensor of the given name.
    public func int32(_ name: String) throws(CheckpointError) -> Tensor<Int32> {
        guard case .int32(let tensor) = try tensor(name) else { throw wrongType(name, "I32") }
        return tensor
    }

    private func tensor(_ name: String) throws(CheckpointError) -> WeightTensor {
        guard let tensor = tensors[name] else {
            throw CheckpointError("checkpoint", .missingTensor(name))
        }
        return tensor
    }

    private func wrongType(_ name: String, _ expected: String) -> CheckpointError {
        CheckpointError(
            "checkpoint",
            .wrongType(tensor: name, expected: expected, found: tensors[name]?.typeName ?? "none"))
    }
}

// MARK: - The file

extension Checkpoint {
    /// Reads the checkpoint at `path` and checks it against its network.
    ///
    /// - Parameters:
    ///   - path: A file that `write(to:)` made.
    ///   - needed: The precision the caller can use; `nil` takes both.
    /// - Throws: `CheckpointError` with the file's name and the reason.
    public init(
        contentsOf path: String, needed: Precision? = nil
    ) throws(CheckpointError) {
        let reader = try SafetensorsReader.open(path)
        do throws(CheckpointError.Reason) {
            self = try Self.header(from: reader.metadata)
            if let needed, precision != needed {
                throw .wrongPrecision(found: precision, needed: needed)
            }
            // Names, types and shapes are compared before any tensor is read.
            try checkTensors(
                reader.entries.mapValues { (type: $0.dtype, shape: $0.shape) })
        } catch {
            throw CheckpointError(path, error)
        }
        for name in reader.entries.keys { tensors[name] = try reader.tensor(name) }
        do throws(CheckpointError.Reason) {
            try checkValues()
        } catch {
            throw CheckpointError(path, error)
        }
    }

    /// Writes the checkpoint durably, replacing what is at `path`; equal checkpoints give
    /// equal bytes.
    ///
    /// - Throws: `CheckpointError` where it does not fit its network or cannot be written.
    public func write(to path: String) throws(CheckpointError) {
        do throws(CheckpointError.Reason) {
            try validate()
        } catch {
            throw CheckpointError(path, error)
        }
        do throws(SystemCallError) {
            try SafetensorsFile(metadata: metadata, tensors: tensors).write(to: path)
        } catch {
            throw CheckpointError(path, .system(call: error.call, number: error.number))
        }
    }

    /// Checks that tensors fit the network and hold usable values.
    public func validate() throws(CheckpointError.Reason) {
        try checkTensors(tensors.mapValues { (type: $0.typeName, shape: $0.shape.extents) })
        try checkValues()
    }
}
