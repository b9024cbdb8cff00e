/// Rows of text in columns, for people.
///
/// On a terminal the last column is cut to its width; elsewhere nothing is cut. Control
/// characters, which a file name may hold, never reach the terminal.
public struct Table: Sendable {
    /// How a column is set.
    public enum Alignment: Sendable {
        /// Text.
        case left
        /// Numbers.
        case right
    }

    private let headings: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// A table without rows.
    public init(_ columns: KeyValuePairs<String, Alignment>) {
        headings = columns.map(\.key)
        alignments = columns.map(\.value)
    }

    /// Adds a row with a cell for each column.
    public mutating func add(_ cells: String...) {
        precondition(cells.count == headings.count, "\(cells.count) of \(headings.count) cells")
        rows.append(cells.map(Self.printable))
    }

    /// The table as lines.
    ///
    /// - Parameters:
    ///   - width: The terminal's width in characters, or nil where nothing shall be cut.
    ///   - bold: Whether headings are bold.
    /// - Returns: A line for the headings and one for each row, each with a newline.
    public func text(width: Int?, bold: Bool) -> String {
        let widths = headings.indices.map { column in
            ([headings[column]] + rows.map { $0[column] }).map(\.count).max() ?? 0
        }
        let heading = line(headings, widths, width)
        let body = rows.map { line($0, widths, width) + "\n" }.joined()
        return (bold ? "\u{1B}[1m\(heading)\u{1B}[0m" : heading) + "\n" + body
    }

    private func line(_ cells: [String], _ widths: [Int], _ width: Int?) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            let isLast = column == cells.count - 1
            let padding = String(repeating: " ", count: widths[column] - cell.count)
            if isLast, let width, line.count + cell.count > width {
                line += Self.cut(cell, to: max(width - line.count, 8))
            } else if alignments[column] == .right {
                line += padding + cell
            } else {
                line += isLast ? cell : cell + padding
            }
            line += isLast ? "" : "  "
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// The end of a text, which says more of a path than its beginning.
    private static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : "…" + text.suffix(width - 1)
    }

    /// Text without control characters.
    public static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.map { scalar in
            isControl(scalar) ? "\\x\(String(scalar.value, radix: 16))" : String(scalar)
        }.joined()
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        [.control, .lineSeparator, .paragraphSeparator].contains(
            scalar.properties.generalCategory)
    }
}
