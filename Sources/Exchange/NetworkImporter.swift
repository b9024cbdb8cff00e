import Files
import Foundation
public import Model
import Tensors

/// What is taken from a file and how it is recorded.
public struct ImportOptions: Sendable {
    /// Whether the layers behind the feature are kept, such as a classifier.
    public var keepsHead: Bool
    /// The licence to record in place of the one that is known.
    public var license: String?

    /// The backbone alone, under the licence that is known, unless told.
    public init(keepsHead: Bool = false, license: String? = nil) {
        self.keepsHead = keepsHead
        self.license = license
    }
}

/// A network of another program, as a checkpoint.
public struct ImportedNetwork: Sendable {
    /// One layer with weights.
    public struct Row: Sendable, Equatable {
        /// The layer's name here.
        public let layer: String
        /// The names of its tensors in the file.
        public let tensors: [String]
        /// The shape of its first tensor in the file.
        public let shape: [Int]
    }

    /// What the file has behind the feature.
    public enum Head: String, Sendable {
        /// Nothing.
        case none
        /// A linear layer that ends in classes.
        case classifier
        /// The projection of contrastive training.
        case projection
    }

    /// The network with its weights.
    public var checkpoint: Checkpoint
    /// What the network was recognized as.
    public let layout: String
    /// The format of the file.
    public let container: String
    /// Which tensors became which layer, in the network's order.
    public let rows: [Row]
    /// The tensors that were left out.
    public let unused: [String]
    /// What the file has behind the feature, kept or not.
    public let head: Head
}

extension ImportedNetwork {
    /// Reads the file at `path` and recognizes the network by the names of its tensors.
    ///
    /// Nothing in the file is executed, and no length in it is believed before it is compared
    /// with the file's size.
    ///
    /// - Parameters:
    ///   - path: A PyTorch file of either format, a safetensors file, or a checkpoint of ours.
    ///   - options: What is taken.
    /// - Throws: `ExchangeError` with the file's name and the reason.
    public init(contentsOf path: String, options: ImportOptions = ImportOptions())
        throws(ExchangeError)
    {
        let archive = try TensorArchive.open(path)
        if archive.metadata["format"] == "deepcluster" {
            try self.init(ourCheckpointAt: path, options)
            return
        }
        do throws(ExchangeError.Reason) {
            let dictionary = try StateDictionary(archive)
            let layout = try dictionary.recognize()
            try self.init(dictionary, layout, options, path: path)
        } catch {
            throw ExchangeError(path, error)
        }
    }

    private init(ourCheckpointAt path: String, _ options: ImportOptions) throws(ExchangeError) {
        do throws(CheckpointError) {
            checkpoint = try Checkpoint(contentsOf: path)
        } catch {
            throw ExchangeError(path, .checkpoint(error.reason))
        }
        if let license = options.license { checkpoint.license = license }
        layout = "checkpoint of dctrain"
        container = TensorArchive.Container.safetensors.rawValue
        (rows, unused, head) = ([], [], .none)
    }

    private init(
        _ dictionary: StateDictionary, _ layout: Layout, _ options: ImportOptions, path: String
    ) throws(ExchangeError.Reason) {
        try dictionary.checkConstants(of: layout)
        var builder = CheckpointBuilder(dictionary, layout, keepsHead: options.keepsHead)
        try builder.build()
        let checkpoint = Checkpoint(
            network: builder.network, input: layout.input, precision: .float32, clustering: nil,
            provenance: Provenance(
                recipe: "import of \(layout.name)", seed: 0, epochs: dictionary.archive.epochs ?? 0,
                pictures: 0, picturesDigest: "", source: try Self.source(path)),
            license: options.license ?? layout.license ?? "unknown", tensors: builder.tensors)
        do throws(CheckpointError.Reason) {
            try checkpoint.validate()
        } catch {
            throw .checkpoint(error)
        }
        self.checkpoint = checkpoint
        self.layout = layout.name
        container = dictionary.archive.container.rawValue
        rows = builder.rows
        let used = Set(rows.flatMap(\.tensors)).union(layout.constants.keys)
        unused = dictionary.names.filter { !used.contains($0) }
        head = dictionary.has(layout.head) ? layout.head?.kind ?? .none : .none
    }

    /// The file's name and digest.
    private static func source(_ path: String) throws(ExchangeError.Reason) -> String {
        do throws(SystemCallError) {
            let digest = try FileDigest.sha256(ofFileAt: FilePath(path))
            return "\(URL(fileURLWithPath: path).lastPathComponent) (SHA-256 \(digest))"
        } catch {
            throw .system(call: error.call, number: error.number)
        }
    }
}
