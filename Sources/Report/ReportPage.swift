import Foundation
import Model
import Tensors

/// The page, put together from its sections.
struct ReportPage {
    private struct Section {
        let id: String
        let title: String
        let body: Markup
    }

    private let record: RunRecord
    private var sections: [Section] = []
    private var cards: [(value: String, name: String)] = []
    /// What is missing and how to have it.
    var missing: String?

    /// The page of a run with what its log tells.
    init(_ record: RunRecord) {
        self.record = record
        let curves = CurveSection(record: record)
        cards = Self.cards(record)
        add("curves", "How it learnt", curves.curves)
        if let phases = curves.phases { add("times", "Where the time went", phases) }
        add("settings", "Settings", curves.settings)
    }

    private mutating func add(_ id: String, _ title: String, _ body: Markup) {
        sections.append(Section(id: id, title: title, body: body))
    }

    private static func cards(_ record: RunRecord) -> [(value: String, name: String)] {
        var cards: [(value: String, name: String)] = []
        func card(_ setting: String, _ name: String) {
            guard let value = record.setting(setting) else { return }
            cards.append((Int(value).map(\.grouped) ?? value, name))
        }
        card("recipe", "recipe")
        card("network", "network")
        card("size", "pixels a side")
        card("pictures", "pictures")
        card("clusters", "clusters")
        let epochs = record.setting("epochs") ?? "?"
        cards.append(("\(record.epochs.count) of \(epochs)", "epochs"))
        if let last = record.epochs.last {
            if let loss = last.loss { cards.append((loss.text(3), "loss")) }
            if let nmi = last.nmiPrevious { cards.append((nmi.text(3), "NMI with the last epoch")) }
            if let ami = last.labels?.ami { cards.append((ami.text(3), "AMI with folders")) }
        }
        if record.skipped > 0 { cards.append((record.skipped.grouped, "files skipped")) }
        return cards
    }

    /// Adds what is known of a finished model without its pictures.
    mutating func add(_ model: Checkpoint) throws {
        guard let (name, weights) = Self.firstFilters(model.network, model.tensors) else { return }
        insert(
            "filters", "First-layer filters", try LayerSection.firstLayer(name, weights),
            before: "times")
    }

    /// Adds what a run under way has in its newest state.
    mutating func addState() throws {
        let state = record.newestState {
            $0 == "assignments" || $0.hasSuffix("conv1.weight")
        }
        if case .int32(let assignments) = state["assignments"] {
            let sizes = Dictionary(grouping: assignments.elements.filter { $0 >= 0 }) { $0 }
                .values.map(\.count)
            if let chart = ClusterSection.histogram(
                of: sizes, total: sizes.count, caption: "All pictures, in the newest epoch.")
            {
                insert(
                    "sizes", "Cluster sizes", "<div class=\"charts\">\(chart)</div>",
                    before: "times")
            }
        }
        for (name, tensor) in state.sorted(by: { $0.key < $1.key }) {
            guard name.hasSuffix("conv1.weight"), !name.hasPrefix("momentum"),
                case .float32(let weights) = tensor, weights.shape.rank == 4
            else { continue }
            insert(
                "filters", "First-layer filters", try LayerSection.firstLayer("conv1", weights),
                before: "times")
            break
        }
        missing = """
            This run is not finished: clusters, the pictures that excite filters and probes are \
            shown when its model is there.
            """
    }

    /// Adds what the model makes of the pictures.
    mutating func add(_ findings: ReportFindings) throws {
        let survey = findings.survey
        let thumbnails = Thumbnails(of: survey.source)
        if let probes = findings.probes,
            let chart = LayerSection.probes(probes.models, caption: probes.caption)
        {
            insert("probes", "What each layer holds", chart, before: "filters")
        }
        if !survey.clusters.isEmpty {
            let clusters = SurveyedCluster.all(in: survey)
            let section = ClusterSection(
                survey: survey, clusters: clusters, thumbnails: thumbnails)
            let chart = ClusterSection.histogram(
                of: clusters.map(\.members.count), total: findings.clusters,
                caption: Self.caption(survey))
            let sheets = try section.sheets()
            let histogram = chart.map { chart -> Markup in "<div class=\"charts\">\(chart)</div>" }
            let body: Markup = "\(histogram ?? "")\(sheets)"
            insert("clusters", "Clusters", body, before: "probes")
        }
        insert(
            "strongest", "What excites filters",
            """
            <p>For each filter the nine pictures with the largest mean answer over the map behind \
            its ReLU, the strongest first.</p>\(try LayerSection.strongest(survey, thumbnails))
            """, before: "times")
    }

    private static func caption(_ survey: PictureSurvey) -> String {
        let (seen, total) = (survey.readable.count, survey.source.total)
        let part =
            survey.source.count < total
            ? "\(seen.grouped) of \(total.grouped) pictures, drawn at random"
            : "All \(seen.grouped) pictures"
        return "\(part), assigned to the model's clusters."
    }

    /// Puts a section before another one, or before the run's times and settings where that one
    /// is not there.
    private mutating func insert(
        _ id: String, _ title: String, _ body: Markup, before other: String
    ) {
        let places = [other, "filters", "strongest", "times", "settings"].compactMap { wanted in
            sections.firstIndex { $0.id == wanted }
        }
        let place = places.first
        sections.insert(Section(id: id, title: title, body: body), at: place ?? sections.count)
    }

    private static func firstFilters(
        _ network: Network, _ tensors: [String: WeightTensor]
    ) -> (String, Tensor<Float>)? {
        for layer in network.layers {
            guard case .convolution = layer.kind,
                case .float32(let weights) = tensors["\(layer.name).weight"]
            else { continue }
            return (layer.name, weights)
        }
        return nil
    }
}

// MARK: - HTML

extension ReportPage {
    /// The whole page, whose own policy keeps a browser from loading anything from elsewhere.
    var html: String {
        let name = record.folder.split(separator: "/").last.map { String($0) } ?? record.folder
        let links = sections.map { section -> Markup in
            "<a href=\"#\(section.id)\">\(section.title)</a> "
        }
        let body = sections.map { section -> Markup in
            """
            <section id="\(section.id)"><h2>\(section.title)</h2>
            \(section.body)</section>

            """
        }
        let cards = cards.map { card -> Markup in
            "<div><b>\(card.value)</b><span>\(card.name)</span></div>"
        }
        let missing: Markup = self.missing.map { text -> Markup in "<p>\(text)</p>" } ?? ""
        let page: Markup = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <meta http-equiv="Content-Security-Policy" \
            content="default-src 'none';img-src data:;style-src 'unsafe-inline'">
            <title>\(name): dctrain report</title>
            <style>
            \(ReportStyle.css)
            </style></head><body>
            <header><p class="soft">dctrain report</p><h1>\(name)</h1>
            <div class="cards">\(cards)</div>\(missing)<nav>\(links)</nav></header>
            <main>
            \(body)</main>
            <footer><p class="soft">\(ProgramVersion.description)</p></footer>
            </body></html>

            """
        return page.text
    }
}
