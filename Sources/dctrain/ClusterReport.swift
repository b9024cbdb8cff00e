import Files
import Foundation
import FrozenClustering
import Model
import Pictures
import Quantization

/// What `cluster` prints.
struct ClusterReport: Encodable {
    private let model: String
    private let sha256: String
    private let license: String
    private let dimension: Int
    private let pictures: Int
    private let clusters: [FrozenClusters.Cluster]
    private let skipped: [SkippedFile]
    private let drift: DriftReport?

    /// The report on clusters whose checkpoint lies at `output`.
    init(_ found: FrozenClusters, output: String) throws(SystemCallError) {
        model = output
        sha256 = try FileDigest.sha256(ofFileAt: FilePath(output))
        license = found.checkpoint.license
        dimension = found.checkpoint.clustering?.dimension ?? 0
        pictures = found.assignments.count
        clusters = found.clusters
        skipped = found.skipped
        drift = found.drift
    }

    /// The report as a table for people, the largest clusters first.
    var table: String {
        let head = ["cluster", "pictures", "coherence", "outliers", "most central"]
        let ordered = clusters.filter { $0.size > 0 }.sorted { ($1.size, $0.id) < ($0.size, $1.id) }
        let folder = commonFolder
        let rows = ordered.map { cluster in
            [
                "\(cluster.id)", cluster.size.grouped,
                cluster.coherence.map { String(format: "%.3f", $0) } ?? "",
                cluster.outliers.isEmpty ? "" : cluster.outliers.count.grouped,
                cluster.central.prefix(2).map { String($0.path.dropFirst(folder.count)) }
                    .joined(separator: "  "),
            ]
        }
        let table = TextTable([head] + rows, rightAligned: [0, 1, 2, 3])
        let place = folder.isEmpty ? [] : ["the pictures named are in \(folder)"]
        return (table.lines + [""] + place + [summary] + driftLines).joined(separator: "\n")
    }

    /// The folder of all pictures that are told, with a slash at its end, where their paths are
    /// absolute: it would fill each line.
    private var commonFolder: String {
        let paths = clusters.flatMap { $0.central.prefix(2).map(\.path) }
        guard let first = paths.first, first.hasPrefix("/") else { return "" }
        let shared = paths.reduce(first) { $0.commonPrefix(with: $1) }
        return String(shared.prefix(through: shared.lastIndex(of: "/") ?? shared.startIndex))
    }

    private var driftLines: [String] {
        guard let drift else { return [] }
        return [
            "float and int8 on \(drift.pictures.grouped) of them: cosine "
                + String(format: "%.4f", drift.meanCosine) + ", another cluster for "
                + String(format: "%.1f", 100 * drift.changedClusters) + " %, "
                + String(format: "%.1f", 100 * drift.neighbourOverlap)
                + " % of the 10 nearest neighbours the same"
        ]
    }

    private var summary: String {
        let empty = clusters.count { $0.size == 0 }
        let outliers = clusters.reduce(0) { $0 + $1.outliers.count }
        let weighted = clusters.reduce(0.0) { $0 + ($1.coherence ?? 0) * Double($1.size) }
        return "\(model)  \(pictures.grouped) pictures in \(clusters.count.grouped) clusters"
            + (empty > 0 ? ", \(empty.grouped) of them empty" : "")
            + (outliers > 0 ? ", \(outliers.grouped) outliers" : "")
            + ", \(dimension) dimensions, mean coherence "
            + String(format: "%.3f", weighted / Double(max(1, pictures)))
    }
}
