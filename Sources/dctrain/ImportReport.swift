import Exchange
import Foundation
import Model
import Tensors

/// What `import` prints.
struct ImportReport: Encodable {
    private struct Row: Encodable {
        let layer: String
        let tensors: [String]
        let shape: [Int]
    }

    private let file: String
    private let format: String
    private let network: String
    private let head: String
    private let keepsHead: Bool
    private let license: String
    private let output: String
    private let parameters: Int
    private let feature: String
    private let dimension: [Int]
    private let layers: [Row]
    private let unused: [String]
    /// The outputs for pictures, where they were asked for.
    var pictures: [StrongestOutputs]?

    /// The report on a network that was written to `output`.
    init(_ imported: ImportedNetwork, keepsHead: Bool, file: String, output: String) throws {
        let checkpoint = imported.checkpoint
        (self.file, self.output) = (file, output)
        format = imported.container
        network = imported.layout
        head = imported.head.rawValue
        self.keepsHead = keepsHead
        license = checkpoint.license
        parameters = checkpoint.tensors.values.reduce(0) { $0 + $1.shape.count }
        feature = checkpoint.network.feature
        let shapes = try checkpoint.network.outputShapes(input: checkpoint.inputShape)
        dimension = shapes[feature]?.extents ?? []
        layers = imported.rows.map { Row(layer: $0.layer, tensors: $0.tensors, shape: $0.shape) }
        unused = imported.unused
    }

    /// The report for people.
    func text(verbose: Bool) -> String {
        var lines = [
            "\(file): \(network), in a \(format)",
            "feature '\(feature)' of \(dimension.map(\.grouped).joined(separator: "×")) numbers, "
                + "\(parameters.grouped) parameters; \(headText)",
            license == "unknown"
                ? "licence unknown: name it with --license where you know it"
                : "licence \(license)",
        ]
        if verbose { lines += [""] + rowLines + [""] }
        if let pictures { lines += [""] + StrongestOutputs.lines(pictures) + [""] }
        return (lines + ["wrote \(output)"]).joined(separator: "\n")
    }

    private var headText: String {
        if head == "none" { return "no head" }
        return keepsHead
            ? "its \(head) is kept" : "its \(head) is left out (--keep-head keeps it)"
    }

    private var rowLines: [String] {
        let rows = layers.map { row in
            [
                row.layer, row.tensors.joined(separator: " "),
                row.shape.map(String.init).joined(separator: "×"),
            ]
        }
        return TextTable([["layer", "tensors", "shape"]] + rows).lines
            + (unused.isEmpty ? [] : ["left out: \(unused.joined(separator: " "))"])
    }
}
