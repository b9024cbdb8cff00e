import Evaluation
import Imaging
import Tensors

/// The part of the report that shows what layers do: weights, pictures that excite filters,
/// and probes.
enum LayerSection {
    /// How many filters of a layer are shown.
    private static let filters = 18

    /// The filters of the first convolution.
    static func firstLayer(_ name: String, _ weights: Tensor<Float>) throws -> Markup {
        let picture = FilterSheet.firstLayer(weights)
        let channels = weights.shape[3]
        let what =
            switch channels {
            case 3: "in colour"
            case 2: "on edges: the horizontal gradient left, the vertical one right"
            default: "the mean over \(channels) channels"
            }
        let image = try Thumbnails.image(
            picture.png(), type: "png", alternative: "The filters of \(name)", tip: name,
            width: picture.width, height: picture.height, style: "weights")
        return """
            <p>\(weights.shape[0]) filters of \(weights.shape[1]) × \(weights.shape[2]) in \
            <code>\(name)</code>, \(what). Each is scaled by its largest weight; grey is zero.</p>
            <div class="wide">\(image)</div>
            """
    }

    /// The nine pictures that excite each filter most.
    static func strongest(_ survey: PictureSurvey, _ thumbnails: Thumbnails) throws -> Markup {
        let layers = try survey.responses.map { layer -> Markup in
            let (chosen, silent) = layer.mostTelling(filters)
            let squares = try chosen.map { filter, rows -> Markup in
                let square = try thumbnails.square(
                    rows.map { survey.readable[$0] },
                    alternative: "The \(rows.count) pictures that excite filter \(filter) of "
                        + "\(layer.title) most")
                return """
                    <figure>\(square)<figcaption>filter \(filter)</figcaption></figure>
                    """
            }
            let quiet: Markup =
                silent > 0 ? " \(silent) of \(layer.filters) filters answer to no picture." : ""
            return """
                <h3>\(layer.title)</h3><div class="filters">\(squares)</div>\
                <p class="note">\(chosen.count) of \(layer.filters) filters.\
                \(quiet)</p>
                """
        }
        return Markup(layers)
    }

    /// The probes of several networks side by side: a chart, and the numbers behind it.
    ///
    /// - Parameters:
    ///   - models: Names with their figures.
    ///   - caption: On what the probes were made.
    /// - Returns: `nil` without figures.
    static func probes(
        _ models: [(name: String, figures: [LayerFigures])], caption: String
    ) -> Markup? {
        let layers = models.flatMap(\.figures).layerNames
        let series = models.map { model in
            let values = layers.map { layer in
                model.figures.first { $0.layer == layer }.map { 100 * $0.accuracy }
            }
            return (name: model.name, values: values)
        }
        let chart = BarChart(
            title: "Pictures whose label a linear probe finds, in percent", groups: layers,
            series: series,
            // Narrower bars than these have no room for their values.
            format: { $0.text(1) }, tellsValues: layers.count * models.count <= 12
        ).markup
        guard let chart else { return nil }
        return """
            <div class="pair">\(chart)<div class="wide">\(table(layers, series))\
            <p class="note">\(caption)</p></div></div>
            """
    }

    private static func table(
        _ layers: [String], _ series: [(name: String, values: [Double?])]
    ) -> Markup {
        let heads = series.map { one -> Markup in "<th class=\"n\">\(one.name)</th>" }
        let rows = layers.indices.map { index -> Markup in
            let cells = series.map { one -> Markup in
                "<td class=\"n\">\(one.values[index]?.text(1) ?? "")</td>"
            }
            return "<tr><th scope=\"row\">\(layers[index])</th>\(cells)</tr>"
        }
        return "<table><tr><th>layer</th>\(heads)</tr>\(rows)</table>"
    }
}
