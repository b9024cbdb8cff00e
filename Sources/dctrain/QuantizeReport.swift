import Foundation
import Quantization

extension DriftReport {
    /// The report as a table for people.
    var table: String {
        let head = ["layer", "step", "rms", "mean error", "max error", "in steps"]
        let rows = layers.map { layer in
            [
                layer.layer, Self.short(Double(layer.step)), Self.short(layer.signal),
                String(format: "%+.5f", layer.meanError), Self.short(layer.maximumError),
                String(format: "%.1f", layer.maximumError / Double(layer.step)),
            ]
        }
        let summary = [
            "",
            "pictures                \(pictures.grouped)",
            "embedding cosine        mean \(String(format: "%.5f", meanCosine)), "
                + "worst \(String(format: "%.5f", worstCosine))",
            "another cluster for     \(String(format: "%.2f", 100 * changedClusters)) %",
        ]
        let table = TextTable([head] + rows, rightAligned: [1, 2, 3, 4, 5])
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
