/// The part of the report that needs the log alone: curves, cluster sizes of the epochs, phase
/// times and settings.
struct CurveSection {
    let record: RunRecord

    /// At most so many points of a curve are drawn, the last among them.
    private static let mostPoints = 400

    /// The curves.
    var curves: Markup {
        let charts = [
            chart("Loss", [("loss", \.loss)]),
            chart(
                "Agreement with the epoch before",
                [("NMI, geometric mean", \.nmiPrevious), ("share reassigned", \.reassigned)],
                fromZero: true),
            chart(
                "Agreement with the folders' names",
                [("NMI", \.labels?.nmi), ("AMI", \.labels?.ami), ("ARI", \.labels?.ari)],
                fromZero: true),
            chart("k-means objective", [("mean squared distance", \.objective)], fromZero: true),
            chart("Learning rate", [("of the epoch's last step", \.learningRate)], fromZero: true),
            chart(
                "Cluster sizes",
                [
                    ("largest", { $0.clusters?.maximum.map { Double($0) } }),
                    ("median", { $0.clusters?.median.map { Double($0) } }),
                    ("smallest", { $0.clusters?.minimum.map { Double($0) } }),
                    ("empty clusters", { $0.clusters?.empty.map { Double($0) } }),
                ], fromZero: true),
        ].compactMap(\.self)
        guard !charts.isEmpty else { return "<p>No epoch is done yet.</p>" }
        return """
            <div class="charts">\(charts)</div>
            <p class="note">Across: the epoch. Names of folders are never used in training; they \
            are compared with its clusters afterwards. A run that learns keeps reassigning \
            pictures: the NMI with the epoch before rises and levels off below 1.</p>
            """
    }

    private func chart(
        _ title: String, _ curves: [(name: String, value: (RunRecord.Epoch) -> Double?)],
        fromZero: Bool = false
    ) -> Markup? {
        let epochs = record.epochs
        let step = max(1, (epochs.count + Self.mostPoints - 1) / Self.mostPoints)
        let kept = epochs.indices.filter { (epochs.count - 1 - $0) % step == 0 }
        let series = curves.map { curve in
            LineChart.Series(
                name: curve.name,
                points: kept.compactMap { index in
                    curve.value(epochs[index]).map { (epochs[index].epoch + 1, $0) }
                })
        }
        return LineChart(title: title, series: series, fromZero: fromZero).markup
    }

    /// What each phase took over all epochs.
    var phases: Markup? {
        var (order, seconds, rates): ([String], [String: Double], [String: [Double]]) = (
            [], [:], [:]
        )
        for phase in record.epochs.flatMap({ $0.phases ?? [] }) {
            guard let time = phase.seconds, time.isFinite else { continue }
            if seconds[phase.phase] == nil { order.append(phase.phase) }
            seconds[phase.phase, default: 0] += time
            if let rate = phase.picturesPerSecond { rates[phase.phase, default: []].append(rate) }
        }
        let total = seconds.values.reduce(0, +)
        guard total > 0 else { return nil }
        let rows = order.map { name -> Markup in
            let time = seconds[name] ?? 0
            let sorted = (rates[name] ?? []).sorted()
            let rate = sorted.isEmpty ? "" : Int(sorted[sorted.count / 2].rounded()).grouped
            return """
                <tr><th scope="row">\(name)</th><td class="n">\(time.duration)</td>\
                <td class="n">\((time / total).percent)</td><td class="n">\(rate)</td>\
                <td><span class="share" style="width:\(max(1, 140 * time / total))px"></span>\
                </td></tr>
                """
        }
        return """
            <div class="wide"><table><tr><th>phase</th><th class="n">time</th>\
            <th class="n">share</th><th class="n">pictures a second, median</th><th></th></tr>\
            \(rows)<tr><th scope="row">all epochs</th><td class="n">\(total.duration)</td>\
            <td></td><td></td><td></td></tr></table></div>
            """
    }

    /// The settings.
    var settings: Markup {
        let rows = record.settings.map { setting -> Markup in
            """
            <tr><th scope="row">\(setting.name.replacing("_", with: " "))</th>\
            <td>\(setting.value)</td></tr>
            """
        }
        return "<div class=\"wide\"><table>\(rows)</table></div>"
    }
}
