import Evaluation
import Foundation

extension EvaluationReport {
    /// The report as a table for people: one row a model.
    var table: String {
        let counts = models.first?.fitted.map(\.clusters) ?? []
        let shipped = models.contains { $0.shipped != nil }
        var head = ["model", "weights", "\(neighbours)-NN"]
        for count in counts { head += ["AMI@\(count)"] + Self.names.dropFirst() }
        if shipped { head += ["shipped"] + Self.names }
        let rows = models.map { model in
            [model.checkpoint.shortName, model.weights.rawValue]
                + [model.neighbourAccuracy.short]
                + model.fitted.flatMap(Self.cells)
                + (shipped ? Self.shippedCells(model.shipped) : [])
        }
        let table = TextTable([head] + rows, rightAligned: Set(2..<head.count))
        return ([heading] + table.lines).joined(separator: "\n")
    }

    private var heading: String {
        let judged = "\(test.count.grouped) pictures of \(test.labels.count) kinds"
        let voters = train.map { "\($0.count.grouped) others" } ?? "one another"
        return "\(judged), judged by \(voters); k-means on them, mean of \(seeds.count) seeds"
    }

    private static let names = ["AMI", "NMI", "ARI", "purity", "accuracy"]

    private static func cells(_ figures: ClusterFigures) -> [String] {
        [figures.ami, figures.nmi, figures.ari, figures.purity, figures.accuracy].map(\.short)
    }

    private static func shippedCells(_ figures: ClusterFigures?) -> [String] {
        figures.map { ["\($0.clusters):"] + cells($0) }
            ?? [String](repeating: "", count: names.count + 1)
    }

    /// The linear probes as a table: one row a layer, the models side by side.
    var probeTable: String? {
        guard let probed else { return nil }
        let head = ["linear probe", "dimensions"] + models.map(\.title)
        let rows = models.flatMap { $0.probes ?? [] }.layerNames.map { layer in
            let figures = models.map { $0.probes?.first { $0.layer == layer } }
            let dimensions = Set(figures.compactMap { $0?.dimension }).sorted().map(\.grouped)
            return [layer, dimensions.joined(separator: " or ")]
                + figures.map { $0?.accuracy.short ?? "" }
        }
        let table = TextTable([head] + rows, rightAligned: Set(1..<head.count))
        let heading =
            "linear probes, \(probed.epochs) epochs on \(probed.train.grouped) pictures, "
            + "judged by \(probed.test.grouped)"
        return ([heading] + table.lines).joined(separator: "\n")
    }
}

extension ModelFigures {
    fileprivate var title: String { "\(checkpoint.shortName) \(weights.rawValue)" }
}

extension EvaluationReport.Pictures {
    /// What was left out, a line each.
    var remarks: [String] {
        var lines: [String] = []
        if unlabelled > 0 {
            lines.append("'\(place)': \(unlabelled.grouped) files in no sub-folder left out")
        }
        return lines + skipped.remarks(place)
    }
}

extension RetrievalReport {
    /// The report as a table for people: one row a search, the models side by side.
    var table: String {
        let first = models.first?.searches ?? []
        let many = models.count > 1
        let head =
            ["search", "queries", "gallery"]
            + models.flatMap { model in
                let mark = many ? " \(model.weights.rawValue)" : ""
                return ["R@1\(mark)", "R@5", "R@10", "mAP"]
            }
        let rows = first.indices.map { index in
            [first[index].search, first[index].queries.grouped, first[index].gallery.grouped]
                + models.flatMap { model in
                    let figures = model.searches[index]
                    return [
                        figures.recallAt1, figures.recallAt5, figures.recallAt10, figures.map,
                    ].map(\.short)
                }
        }
        let table = TextTable([head] + rows, rightAligned: Set(1..<head.count))
        let names = models.map { "\($0.checkpoint.shortName) \($0.weights.rawValue)" }
        let heading =
            "retrieval, \(pictures.grouped) pictures: " + names.joined(separator: ", ")
        return ([heading] + table.lines).joined(separator: "\n")
    }

    /// What was left out.
    var remarks: [String] { skipped.remarks(groundTruth) }
}

extension [SkippedPicture] {
    fileprivate func remarks(_ place: String) -> [String] {
        guard let first else { return [] }
        return [
            "'\(place)': \(count.grouped) files skipped, the first of them "
                + "\(first.path): \(first.reason)"
        ]
    }
}

extension String {
    /// A file's name with its folder, since runs have files of equal names, and without what
    /// all checkpoints' names end in.
    fileprivate var shortName: String {
        let name = split(separator: "/").suffix(2).joined(separator: "/")
        let ending = ".safetensors"
        return name.hasSuffix(ending) ? String(name.dropLast(ending.count)) : name
    }
}

extension Double {
    fileprivate var short: String { String(format: "%.3f", self) }
}
