import API
import Catalog
import Files
import Inference
import Model
import Tensors

/// The model as the daemon uses it.
struct LoadedModel: Sendable {
    let checkpoint: Checkpoint
    /// What the index knows of it.
    let description: ModelDescription
    /// What clients are told of it.
    let info: ModelInfo

    /// Reads an int8 checkpoint with clusters.
    ///
    /// - Throws: `CheckpointError` or `DaemonError` with the file and the remedy.
    init(contentsOf path: String) throws {
        let checkpoint = try Checkpoint(contentsOf: path, needed: .int8)
        let layer = checkpoint.network.layers.first { layer in
            if case .centroids = layer.kind { true } else { false }
        }
        guard let layer, let clustering = checkpoint.clustering else {
            throw DaemonError.noClusters(model: path)
        }
        let centroids = try checkpoint.float(layer.name + ".weight")
        let sha256 = try FileDigest.sha256(ofFileAt: FilePath(path))
        self.checkpoint = checkpoint
        description = ModelDescription(
            sha256: sha256, dimension: centroids.shape[1], centroids: centroids.elements)
        info = ModelInfo(
            sha256: sha256, path: path, precision: checkpoint.precision.rawValue,
            dimension: centroids.shape[1], clusters: centroids.shape[0],
            inputWidth: checkpoint.input.width, inputHeight: checkpoint.input.height,
            rule: clustering.rule, recipe: checkpoint.provenance.recipe,
            seed: checkpoint.provenance.seed, epochs: checkpoint.provenance.epochs,
            trainedOn: checkpoint.provenance.pictures, license: checkpoint.license,
            weightBits: checkpoint.weightBits)
    }

    /// The number of bytes of one view, `[H, W, 3]`.
    var pixelCount: Int { checkpoint.input.width * checkpoint.input.height * 3 }

    /// A plan for this model.
    ///
    /// - Throws: `DaemonError` with the file and the reason.
    func plan(path: String, batch: Int, threads: Int) throws(DaemonError) -> InferencePlan {
        do {
            return try InferencePlan(checkpoint, batch: batch, threads: threads)
        } catch {
            throw .unusableModel(model: path, reason: error.description)
        }
    }
}
