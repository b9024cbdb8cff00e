/// Curves over epochs, as an inline SVG with its legend.
package struct LineChart {
    /// One curve.
    package struct Series: Sendable {
        let name: String
        /// Epochs, from 1, with their values.
        let points: [(epoch: Int, value: Double)]

        /// A curve through the given points.
        package init(name: String, points: [(epoch: Int, value: Double)]) {
            (self.name, self.points) = (name, points)
        }
    }

    let title: String
    let series: [Series]
    /// Whether the axis begins at zero.
    let fromZero: Bool

    private static let (width, height) = (360.0, 180.0)
    private static let (left, right, top, bottom) = (44.0, 10.0, 10.0, 24.0)

    /// A chart of the given curves.
    package init(title: String, series: [Series], fromZero: Bool = false) {
        (self.title, self.series, self.fromZero) = (title, series, fromZero)
    }

    /// The chart, or `nil` where there is nothing to draw.
    package var markup: Markup? {
        let drawn = series.compactMap { one -> Series? in
            let points = one.points.filter { $0.value.isFinite }
            return points.isEmpty ? nil : Series(name: one.name, points: points)
        }
        let values = drawn.flatMap(\.points).map(\.value)
        guard let least = values.min(), let most = values.max() else { return nil }
        let range = Self.range(fromZero ? min(0, least) : least, most)
        let epochs = drawn.flatMap(\.points).map(\.epoch)
        let scale = Scale(
            epochs: (epochs.min() ?? 1)...max(epochs.max() ?? 1, (epochs.min() ?? 1) + 1),
            values: range)
        let curves = drawn.enumerated().map { Self.curve($0.element, number: $0.offset, scale) }
        let summary = drawn.map {
            "\($0.name) \($0.points[0].value.short) to \($0.points.last!.value.short)"
        }.joined(separator: ", ")
        return """
            <figure class="chart"><figcaption>\(title)</figcaption>
            <svg viewBox="0 0 \(Self.width) \(Self.height)" role="img" \
            aria-label="\(title): \(summary)">\(Self.axes(scale))\(curves)</svg>
            \(Self.legend(drawn))</figure>
            """
    }

    /// A little more than what the values span.
    private static func range(_ least: Double, _ most: Double) -> ClosedRange<Double> {
        let margin = most > least ? (most - least) * 0.06 : max(abs(most) * 0.1, 0.01)
        return (least == 0 ? 0 : least - margin)...(most + margin)
    }

    private struct Scale {
        let epochs: ClosedRange<Int>
        let values: ClosedRange<Double>

        func x(_ epoch: Int) -> Double {
            let span = Double(epochs.upperBound - epochs.lowerBound)
            return left + (width - left - right) * Double(epoch - epochs.lowerBound) / span
        }

        func y(_ value: Double) -> Double {
            let share = (value - values.lowerBound) / (values.upperBound - values.lowerBound)
            return height - bottom - (height - top - bottom) * share
        }
    }

    private static func axes(_ scale: Scale) -> [Markup] {
        let rows = Ticks.rows(of: scale.values, from: left, to: width - right, y: scale.y)
        let epochs = Double(scale.epochs.lowerBound)...Double(scale.epochs.upperBound)
        let columns = Ticks.within(epochs, count: 6).filter { $0 == $0.rounded() }
        return rows
            + columns.map { epoch -> Markup in
                """
                <text class="tick" x="\(scale.x(Int(epoch)))" y="\(height - 7)" \
                text-anchor="middle">\(Int(epoch))</text>
                """
            }
    }

    private static func curve(_ series: Series, number: Int, _ scale: Scale) -> Markup {
        let places = series.points.map { (scale.x($0.epoch), scale.y($0.value)) }
        let line = places.map { place -> Markup in "\(place.0),\(place.1) " }
        // Dots that tell their value, as long as they do not run into one another.
        let isSparse = places.count <= 60
        let dots = zip(series.points, places).map { point, place -> Markup in
            """
            <circle cx="\(place.0)" cy="\(place.1)" r="\(isSparse ? 2.2 : 1)">\
            <title>epoch \(point.epoch): \(series.name) \(point.value.short)</title></circle>
            """
        }
        return """
            <g class="s\(number % 4)"><polyline points="\(line)"/>\(dots)</g>
            """
    }

    private static func legend(_ series: [Series]) -> Markup {
        let entries = series.enumerated().map { number, one -> Markup in
            """
            <span class="key s\(number % 4)"><i></i>\(one.name) \
            <b>\(one.points.last!.value.short)</b></span>
            """
        }
        return "<div class=\"legend\">\(entries)</div>"
    }
}
