import Foundation
import Model

extension CheckpointSummary {
    /// The summary as a screen of text.
    var text: String {
        let fields: [(String, String)] = [
            ("file", file),
            ("size", "\(bytes.grouped) bytes"),
            ("sha256", sha256),
            ("precision", precisionText),
            ("input", inputText),
            ("clustering", clusteringText),
            ("trained", trainingText),
            ("written by", provenance.program),
            ("licence", license),
        ]
        let planned = plan.map { [("plan", $0.text)] } ?? []
        let header = (fields + planned).map { "\($0.0.padded(to: 12))\($0.1)" }
        return (header + [""] + layerLines).joined(separator: "\n")
    }

    private var precisionText: String {
        weightBits.map { "\(precision.rawValue), weights of \($0) bits" } ?? precision.rawValue
    }

    private var inputText: String {
        let mean = input.mean.map { String(format: "%.3f", $0) }.joined(separator: " ")
        let deviation = input.standardDeviation.map { String(format: "%.3f", $0) }
            .joined(separator: " ")
        return "\(input.width)×\(input.height) from a short side of \(input.shortSide), "
            + "mean \(mean), deviation \(deviation), \(input.decode.rawValue) decoding"
    }

    private var clusteringText: String {
        guard let clustering else { return "none yet" }
        let length = clustering.normalized ? "unit vectors" : "vectors"
        return "\(clustering.clusters.grouped) clusters of \(length) with "
            + "\(clustering.dimension) dimensions, \(clustering.rule), "
            + "whitening exponent \(clustering.whiteningExponent)"
    }

    private var trainingText: String {
        if let source = provenance.source, provenance.pictures == 0 {
            return "\(provenance.recipe) from \(source)"
        }
        let weights = provenance.source.map { ", weights from \($0)" } ?? ""
        return "\(provenance.recipe), seed \(provenance.seed), \(provenance.epochs) epochs on "
            + "\(provenance.pictures.grouped) pictures "
            + "(list \(provenance.picturesDigest.prefix(12)))\(weights)"
    }

    /// One line a layer, columns as wide as their widest cell, and the totals.
    private var layerLines: [String] {
        let totals = ["total", "", "", sum(\.parameters).grouped, sum(\.multiplyAdds).grouped]
        let head = ["layer", "computes", "output", "parameters", "multiply-adds"]
        let rows =
            [head]
            + layers.map { row in
                [
                    row.name, row.kind, row.output.map(String.init).joined(separator: "×"),
                    row.parameters == 0 ? "" : row.parameters.grouped,
                    row.multiplyAdds == 0 ? "" : row.multiplyAdds.grouped,
                ]
            } + [totals]
        return TextTable(rows, rightAligned: [3, 4]).lines
    }

    private func sum(_ column: KeyPath<Row, Int>) -> Int {
        layers.reduce(0) { $0 + $1[keyPath: column] }
    }
}
