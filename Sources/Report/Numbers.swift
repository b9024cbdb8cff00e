private import Foundation

extension Double {
    /// The number with so many decimals.
    func text(_ decimals: Int) -> String { String(format: "%.\(decimals)f", self) }

    /// The number with as many digits as an axis or a caption needs.
    var short: String {
        if self == rounded(), abs(self) < 1e15 { return Int(self).grouped }
        switch abs(self) {
        case 100...: return text(0)
        case 10..<100: return text(1)
        case 0.01..<10: return text(abs(self) < 1 ? 3 : 2)
        default: return String(format: "%.2g", self)
        }
    }

    /// A share as a percentage.
    var percent: String { (self * 100).text(self < 0.1 && self > 0 ? 1 : 0) + " %" }

    /// Seconds as people tell them.
    var duration: String {
        if self < 10 { return text(1) + " s" }
        let seconds = Int(rounded())
        if seconds < 120 { return "\(seconds) s" }
        let minutes = (seconds + 30) / 60
        return minutes < 120 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
    }
}

extension Int {
    /// The number with a comma between groups of three digits.
    var grouped: String {
        let digits = String(magnitude)
        var result = self < 0 ? "−" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return result
    }
}

/// Round numbers for an axis.
package enum Ticks {
    /// About `count` multiples of 1, 2 or 5 times a power of ten within a range.
    package static func within(_ range: ClosedRange<Double>, count: Int = 4) -> [Double] {
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite, count > 0 else { return [range.lowerBound] }
        let rough = span / Double(count)
        let power = pow(10, floor(log10(rough)))
        let step = power * ([1, 2, 5, 10].first { $0 * power >= rough } ?? 10)
        let first = Int((range.lowerBound / step).rounded(.up))
        let last = Int((range.upperBound / step + 1e-9).rounded(.down))
        return first <= last ? (first...last).map { Double($0) * step } : [range.lowerBound]
    }

    /// Ticks as an axis tells them, all with the decimals that their distance needs.
    package static func labels(_ ticks: [Double]) -> [String] {
        guard ticks.count > 1, ticks[1] > ticks[0] else { return ticks.map(\.short) }
        let decimals = -Int(floor(log10(ticks[1] - ticks[0]) + 1e-9))
        if decimals > 4 { return ticks.map(\.short) }
        return ticks.map { decimals > 0 ? $0.text(decimals) : Int($0.rounded()).grouped }
    }

    /// The lines of a chart's grid across it, with their values to the left.
    static func rows(
        of range: ClosedRange<Double>, from left: Double, to right: Double, y: (Double) -> Double
    ) -> [Markup] {
        let ticks = within(range)
        return zip(ticks, labels(ticks)).map { value, label -> Markup in
            let y = y(value)
            return """
                <line class="grid" x1="\(left)" x2="\(right)" y1="\(y)" y2="\(y)"/>\
                <text class="tick" x="\(left - 5)" y="\(y + 3.5)" text-anchor="end">\
                \(label)</text>
                """
        }
    }
}
