/// A piece of HTML or SVG, into which text cannot be put without being escaped.
///
/// Literals are markup as written. Interpolated strings, such as names of files, become text:
/// what would be markup in them is escaped, also within attributes in double quotes.
package struct Markup: ExpressibleByStringInterpolation, Sendable, Equatable {
    /// The markup as it is written to a file.
    package private(set) var text: String

    package init(stringLiteral value: String) { text = value }

    package init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

    /// Pieces in a row.
    package init(_ parts: [Markup]) { text = parts.map(\.text).joined() }

    package static func + (first: Markup, second: Markup) -> Markup { Markup([first, second]) }

    /// Collects literals as they are and values as text.
    package struct Interpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) { text += literal }
        package mutating func appendInterpolation(_ markup: Markup) { text += markup.text }
        package mutating func appendInterpolation(_ parts: [Markup]) {
            for part in parts { text += part.text }
        }
        package mutating func appendInterpolation(_ value: String) { text += Markup.escaped(value) }
        package mutating func appendInterpolation(_ value: Int) { text += String(value) }
        /// A coordinate: two decimals are finer than any pixel.
        package mutating func appendInterpolation(_ value: Double) {
            text += String((value * 100).rounded() / 100)
        }
    }

    /// Text in which nothing is markup any more.
    ///
    /// Control characters, which HTML does not allow, are shown as U+FFFD.
    static func escaped(_ value: String) -> String {
        var result = ""
        for character in value.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n", "\r": result += " "
            case _ where character.value < 0x20 || (0x7F...0x9F).contains(character.value):
                result += "\u{FFFD}"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
