import Evaluation
import Foundation

extension EvaluationReport {
    /// The report as a table for people: one row a model.
    var table: String {
        let counts = models.first?.fitted.map(\.clusters) ?? []
        let shipped = models.contains { $0.shipped != nil }
        var head = ["model", "weights", "k-NN"]
        for count in counts { head += ["AMI@\(count)", "NMI@\(count)", "purity@\(count)"] }
        if shipped { head += ["shipped", "AMI", "NMI", "purity"] }
        let rows = models.map { model in
            [Self.shortName(model.checkpoint), model.weights.rawValue]
                + [Self.short(model.neighbourAccuracy)]
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

    private static func cells(_ figures: ClusterFigures) -> [String] {
        [short(figures.ami), short(figures.nmi), short(figures.purity)]
    }

    private static func shippedCells(_ figures: ClusterFigures?) -> [String] {
        figures.map { ["\($0.clusters):"] + cells($0) } ?? ["", "", "", ""]
    }

    /// The file's name with its folder, since runs have files of equal names, and without what
    /// all checkpoints' names end in.
    private static func shortName(_ path: String) -> String {
        let name = path.split(separator: "/").suffix(2).joined(separator: "/")
        let ending = ".safetensors"
        return name.hasSuffix(ending) ? String(name.dropLast(ending.count)) : name
    }

    private static func short(_ value: Double) -> String { String(format: "%.3f", value) }
}

extension EvaluationReport.Pictures {
    /// What was left out, a line each.
    var remarks: [String] {
        var lines: [String] = []
        if unlabelled > 0 {
            lines.append("'\(place)': \(unlabelled.grouped) files in no sub-folder left out")
        }
        if let first = skipped.first {
            lines.append(
                "'\(place)': \(skipped.count.grouped) files skipped, the first of them "
                    + "\(first.path): \(first.reason)")
        }
        return lines
    }
}
