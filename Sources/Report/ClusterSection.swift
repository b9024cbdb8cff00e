import Clustering

/// The part of the report that shows clusters: how large they are and what lies in them.
struct ClusterSection {
    let survey: PictureSurvey
    let clusters: [SurveyedCluster]
    let thumbnails: Thumbnails

    /// How many clusters each list shows.
    private static let shown = 6
    /// How many of the most typical pictures of each, and how many of the least typical.
    private static let (typical, untypical) = (13, 4)
    /// Of fewer pictures nobody sees what holds a cluster together.
    private static let leastMembers = 5

    /// A histogram of sizes.
    ///
    /// - Parameters:
    ///   - sizes: The number of pictures in each cluster that holds some.
    ///   - total: The number of clusters.
    ///   - caption: Which pictures were counted.
    /// - Returns: The chart.
    static func histogram(of sizes: [Int], total: Int, caption: String) -> Markup? {
        guard let largest = sizes.max() else { return nil }
        let width = max(1, (largest + 15) / 16)
        let round = Ticks.within(0...Double(width * 16), count: 16)
        let step = max(1, Int(round.count > 1 ? round[1] - round[0] : Double(width)))
        var counts = [Int](repeating: 0, count: largest / step + 1)
        for size in sizes { counts[size / step] += 1 }
        let empty = total - sizes.count
        let sparse = (counts.count + 7) / 8
        return BarChart(
            title: "Clusters by their number of pictures",
            groups: counts.indices.map { index in
                step == 1 ? "\(index)" : "\(index * step) to \((index + 1) * step - 1)"
            },
            marks: counts.indices.map { $0 % sparse == 0 ? "\($0 * step)" : "" },
            series: [("clusters", counts.map { Double($0) })],
            format: { Int($0).grouped }, tellsValues: counts.count <= 20,
            caption: caption + (empty > 0 ? " \(empty.grouped) clusters hold none of them." : "")
        ).markup
    }

    /// The three contact sheets.
    func sheets() throws -> Markup {
        let largest = clusters.sorted { ($1.members.count, $0.id) < ($0.members.count, $1.id) }
        let grown = clusters.filter { $0.members.count >= Self.leastMembers }
        let tight = grown.sorted { ($1.coherence, $0.id) < ($0.coherence, $1.id) }
        return try """
        <h3>The largest</h3>\(list(largest))
        <h3>The most coherent</h3>\(list(tight))
        <h3>The most scattered</h3>\(list(tight.reversed()))
        <p class="note">Coherence is the mean cosine between a cluster's pictures and its \
        centroid: 1 for copies of one picture. Each row begins with the most typical pictures, \
        and ends, behind the gap, with the least typical. Names are those of the folders, where \
        there are any; clusters of fewer than \(Self.leastMembers) pictures are left out of the \
        last two lists.</p>
        """
    }

    private func list(_ clusters: [SurveyedCluster]) throws -> Markup {
        guard !clusters.isEmpty else { return "<p>None is large enough.</p>" }
        return Markup(try clusters.prefix(Self.shown).map(sheet))
    }

    private func sheet(_ cluster: SurveyedCluster) throws -> Markup {
        let members = cluster.members.map { survey.readable[$0] }
        let near = members.prefix(Self.typical)
        let far = members.dropFirst(Self.typical).suffix(Self.untypical)
        let pictures = try near.map(thumbnails.image)
        let ends = try far.map(thumbnails.image)
        let rest: Markup =
            ends.isEmpty ? "" : "<span class=\"far\"></span>\(ends)"
        let composition = composition(of: members)
        return """
            <figure class="cluster"><figcaption><b>Cluster \(cluster.id)</b> · \
            \(members.count.grouped) pictures · coherence \(cluster.coherence.text(3))\
            \(composition.isEmpty ? "" : " · ")\(composition)</figcaption>\
            <div class="strip">\(pictures)\(rest)</div></figure>
            """
    }

    /// The commonest labels with their shares.
    private func composition(of members: [Int]) -> String {
        let names = members.compactMap(survey.source.labelName)
        guard survey.source.labelCount > 1, !names.isEmpty else { return "" }
        return Dictionary(grouping: names) { $0 }.map { ($0.key, $0.value.count) }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(3)
            .map { "\($0.0) (\((Double($0.1) / Double(members.count)).percent))" }
            .joined(separator: ", ")
    }
}
