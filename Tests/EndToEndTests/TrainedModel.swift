import Foundation
import TestSupport

/// A model that `dctrain` has trained on synthetic pictures, once for all tests.
struct TrainedModel: Sendable {
    /// The float checkpoint.
    let float: String
    /// The int8 checkpoint.
    let quantized: String
    /// The mean cosine between float and int8 embeddings, as `dctrain quantize` told it.
    let meanCosine: Double

    /// The model, trained at first use in the build folder, where nothing is left to clean.
    static func shared() async throws -> TrainedModel { try await training.value }

    private static let training = Task { try await TrainedModel() }

    private init() async throws {
        let folder = "\(Program.folder)/end-to-end"
        try? FileManager.default.removeItem(atPath: folder)
        try SyntheticPictures.write(0..<160, to: "\(folder)/pictures")
        (float, quantized) = ("\(folder)/run/model.safetensors", "\(folder)/int8.safetensors")
        let fit = try await Program.dctrain.run(
            "fit", "\(folder)/pictures", "--run", "\(folder)/run", "--size", "28", "--clusters",
            "4",
            "--epochs", "2", "--threads", "2")
        guard fit.status == 0 else { throw Unexpected("dctrain fit: \(fit.errors)") }
        let quantize = try await Program.dctrain.run(
            "quantize", float, "--calibrate", "\(folder)/pictures", "--output", quantized,
            "--pictures", "100", "--json")
        guard quantize.status == 0 else { throw Unexpected("quantize: \(quantize.errors)") }
        meanCosine = try quantize.json()["mean_cosine"] as? Double ?? 0
    }
}
