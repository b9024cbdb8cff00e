/// Bars side by side in groups, as an inline SVG with its legend: a histogram where there is
/// one series.
package struct BarChart {
    let title: String
    /// The names of the groups.
    let groups: [String]
    /// What stands below the groups.
    let marks: [String]
    /// Names, with a value for each group; `nil` draws no bar.
    let series: [(name: String, values: [Double?])]
    /// How a value is told.
    let format: (Double) -> String
    /// Whether values stand above their bars.
    let tellsValues: Bool
    /// What stands below the whole.
    let caption: String

    private static let (width, height) = (360.0, 190.0)
    private static let (left, right, top, bottom) = (36.0, 6.0, 16.0, 26.0)

    /// A chart of the given series.
    package init(
        title: String, groups: [String], marks: [String]? = nil,
        series: [(name: String, values: [Double?])], format: @escaping (Double) -> String,
        tellsValues: Bool = true, caption: String = ""
    ) {
        (self.title, self.groups, self.series) = (title, groups, series)
        self.marks = marks ?? groups
        (self.format, self.tellsValues, self.caption) = (format, tellsValues, caption)
    }

    /// The chart, or `nil` where there is nothing to draw.
    package var markup: Markup? {
        let most = series.flatMap(\.values).compactMap(\.self).filter(\.isFinite).max() ?? 0
        guard most > 0, !groups.isEmpty else { return nil }
        let range = 0...(most * 1.02)
        let rows = Ticks.rows(of: range, from: Self.left, to: Self.width - Self.right) {
            Self.y($0, range)
        }
        let keys = series.enumerated().map { number, one -> Markup in
            "<span class=\"key s\(number % 4)\"><i></i>\(one.name)</span>"
        }
        let legend: Markup = series.count > 1 ? "<div class=\"legend\">\(keys)</div>" : ""
        let note: Markup = caption.isEmpty ? "" : "<p class=\"note\">\(caption)</p>"
        return """
            <figure class="chart"><figcaption>\(title)</figcaption>
            <svg viewBox="0 0 \(Self.width) \(Self.height)" role="img" aria-label="\(summary)">\
            \(rows)\(groups.indices.map { group($0, range) })</svg>
            \(legend)\(note)</figure>
            """
    }

    private var summary: String {
        let told = groups.indices.map { index in
            let values = series.compactMap { one in
                one.values[index].map {
                    series.count > 1 ? "\(one.name) \(format($0))" : format($0)
                }
            }
            return "\(groups[index]): \(values.joined(separator: ", "))"
        }
        return "\(title). \(told.joined(separator: "; "))"
    }

    private static func y(_ value: Double, _ range: ClosedRange<Double>) -> Double {
        height - bottom - (height - top - bottom) * value / range.upperBound
    }

    private func group(_ index: Int, _ range: ClosedRange<Double>) -> Markup {
        let space = (Self.width - Self.left - Self.right) / Double(groups.count)
        let start = Self.left + space * Double(index)
        // A histogram's bars touch; groups stand apart.
        let inner = series.count > 1 ? space * 0.76 : space * 0.94
        let bar = inner / Double(series.count)
        let bars = series.enumerated().compactMap { number, one -> Markup? in
            guard let value = one.values[index], value.isFinite else { return nil }
            let (x, y) = (start + (space - inner) / 2 + bar * Double(number), Self.y(value, range))
            let label: Markup =
                tellsValues
                ? """
                <text class="tick" x="\(x + bar / 2)" y="\(y - 3)" text-anchor="middle">\
                \(format(value))</text>
                """ : ""
            return """
                <g class="s\(number % 4)"><rect x="\(x)" y="\(y)" width="\(bar * 0.94)" \
                height="\(max(0, Self.height - Self.bottom - y))"><title>\(groups[index]), \
                \(one.name): \(format(value))</title></rect>\(label)</g>
                """
        }
        return """
            \(bars)<text class="tick" x="\(start + space / 2)" y="\(Self.height - 9)" \
            text-anchor="middle">\(marks[index])</text>
            """
    }
}
