import Foundation
import Quantization

extension DriftReport {
    /// The report as a table for people.
    var table: String {
        let head = ["layer", "range", "step", "rms", "rms error", "mean error", "max error"]
        let rows = layers.map { layer in
            [
                layer.layer, layer.range?.rawValue.replacing("_", with: " ") ?? "",
                Self.short(Double(layer.step)), Self.short(layer.signal), Self.short(layer.error),
                String(format: "%+.5f", layer.meanError), Self.short(layer.maximumError),
            ]
        }
        let summary = [
            "",
            "pictures                \(pictures.grouped), the layers on \(layerPictures.grouped)",
            "embedding cosine        mean \(Self.short(meanCosine)), 1st percentile "
                + "\(Self.short(firstPercentileCosine)), worst \(Self.short(worstCosine))",
            "another cluster for     \(String(format: "%.2f", 100 * changedClusters)) %",
            "10 nearest neighbours   \(String(format: "%.1f", 100 * neighbourOverlap)) % the same",
        ]
        let table = TextTable([head] + rows, rightAligned: [2, 3, 4, 5, 6])
        return (table.lines + summary).joined(separator: "\n")
    }

    /// The report as JSON with sorted keys.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    private static func short(_ value: Double) -> String {
        String(format: "%.5f", value)
    }
}
