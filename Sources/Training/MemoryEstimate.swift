import FloatNetworks
private import Foundation
import Model
import Tensors
import Vocabulary

/// About how much memory a run takes.
enum MemoryEstimate {
    /// What the program takes without any picture, in bytes.
    private static let program = 100 << 20

    /// The most memory that this program has taken so far, in bytes, as Linux tells it.
    static var peak: Int? {
        let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = lines.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return kibibytes.map { $0 << 10 }
    }

    /// Bytes for weights, activations, features and cached pictures.
    ///
    /// - Parameters:
    ///   - settings: The run's settings.
    ///   - cached: The bytes of pictures that are kept decoded.
    /// - Returns: An estimate within a quarter or so.
    static func bytes(_ settings: FitSettings, cached: Int) -> Int {
        let graph = settings.backbone
        let shapes = (try? graph.outputShapes(input: settings.inputShape)) ?? [:]
        let weights =
            shapes.isEmpty
            ? 0
            : FloatNetwork.specifications(of: graph, shapes: shapes).reduce(0) {
                $0 + $1.shape.count
            }
        let crops = settings.batch * settings.cropsPerPicture
        let activations = shapes.values.reduce(0) { $0 + $1.count } * crops
        let pictures = settings.pictures
        let features =
            (settings.projectionPictures ?? pictures) * settings.featureWidth
            + pictures * min(settings.featureWidth, ShippedModel.dimension)
        let bank =
            settings.recipe == .v2
            ? DeepClusterV2.largeCrops * pictures * ProjectionHead.dimension : 0
        let loaded = (settings.threads + 1) * crops * settings.inputShape.count
        // Weights with gradient, velocity and a copy of weights and velocity while they are
        // saved; activations with gradients; features, their centred copy and what PCA makes of
        // them.
        let values = 5 * weights + 2 * activations + 2 * features + bank + loaded
        return MemoryLayout<Float>.size * values + cached + program
    }
}
