/// Cells laid out in columns for a terminal.
struct TextTable {
    /// The finished lines.
    let lines: [String]

    /// Lays out `rows`, all of the same length; each column is as wide as its widest cell.
    init(_ rows: [[String]], rightAligned: Set<Int> = []) {
        let columns = rows.first?.count ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        lines = rows.map { row in
            let cells = row.enumerated().map { column, cell in
                rightAligned.contains(column)
                    ? cell.padded(to: widths[column], atEnd: false)
                    : cell.padded(to: widths[column])
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}

extension String {
    /// The string filled up with spaces to `width` characters.
    func padded(to width: Int, atEnd: Bool = true) -> String {
        let spaces = String(repeating: " ", count: max(0, width - count))
        return atEnd ? self + spaces : spaces + self
    }
}

extension Int {
    /// The number with a comma between groups of three digits, whatever the locale.
    var grouped: String {
        let digits = String(magnitude)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return self < 0 ? "-" + result : result
    }
}
