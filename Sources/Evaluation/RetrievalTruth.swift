private import Foundation

/// Which pictures show the same thing: the ground truth of retrieval.
///
/// A CSV file (RFC 4180) with a heading line. `path` is relative to the file's folder unless
/// absolute; pictures of one thing have one `instance`, and those without one are distractors;
/// `edit` tells how a picture was made from the one whose edit is `original`.
package struct RetrievalTruth: Sendable, Equatable {
    /// One picture.
    package struct Entry: Sendable, Equatable {
        /// The bytes of the path to open the file by.
        package let path: [UInt8]
        /// The path as the file has it.
        package let name: String
        /// What it shows; `nil` for a distractor.
        package let instance: String?
        /// How it was made; `nil` where the file does not tell.
        package let edit: String?
    }

    /// The file.
    package let file: String
    /// The pictures, in the order of the file.
    package let entries: [Entry]

    /// Reads a file.
    ///
    /// - Throws: `EvaluationError.groundTruth` with the line where there is one.
    package init(contentsOf file: String) throws(EvaluationError) {
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw .groundTruth(path: file, reason: "cannot be read")
        }
        let rows = Self.rows(of: Array(bytes))
        let heading = rows.first?.map { String(decoding: $0, as: UTF8.self).lowercased() } ?? []
        guard let pathColumn = heading.firstIndex(of: "path"),
            let instanceColumn = heading.firstIndex(of: "instance")
        else {
            throw .groundTruth(
                path: file, reason: "does not begin with a line that names path and instance")
        }
        let editColumn = heading.firstIndex(of: "edit")
        let folder = file.lastIndex(of: "/").map { Array(file[...$0].utf8) } ?? []
        var entries: [Entry] = []
        for (number, row) in rows.enumerated().dropFirst() {
            guard row.count == heading.count else {
                throw .groundTruth(
                    path: file,
                    reason: "has \(row.count) fields in row \(number + 1), not \(heading.count)")
            }
            let name = row[pathColumn]
            guard !name.isEmpty, !name.contains(0) else {
                throw .groundTruth(path: file, reason: "has no path in row \(number + 1)")
            }
            func text(_ column: Int) -> String? {
                row[column].isEmpty ? nil : String(decoding: row[column], as: UTF8.self)
            }
            entries.append(
                Entry(
                    path: name.first == UInt8(ascii: "/") ? name : folder + name,
                    name: String(decoding: name, as: UTF8.self), instance: text(instanceColumn),
                    edit: editColumn.flatMap { text($0) }))
        }
        self.file = file
        self.entries = entries
        let sizes = Dictionary(grouping: entries.compactMap(\.instance)) { $0 }.values.map(\.count)
        guard sizes.contains(where: { $0 > 1 }) else {
            throw .groundTruth(path: file, reason: "has no instance with two pictures")
        }
    }

    /// The fields of each row that is not empty.
    private static func rows(of bytes: [UInt8]) -> [[[UInt8]]] {
        let (quote, comma) = (UInt8(ascii: "\""), UInt8(ascii: ","))
        let (feed, carriage) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
        var (rows, row, field): ([[[UInt8]]], [[UInt8]], [UInt8]) = ([], [], [])
        var (isQuoted, wasQuoted) = (false, false)
        func isBlank() -> Bool { row.isEmpty && field.isEmpty && !wasQuoted }
        var rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        while let byte = rest.popFirst() {
            if isQuoted {
                if byte != quote {
                    field.append(byte)
                } else if rest.first == quote {
                    field.append(quote)
                    rest = rest.dropFirst()
                } else {
                    isQuoted = false
                }
            } else if byte == quote, field.isEmpty, !wasQuoted {
                (isQuoted, wasQuoted) = (true, true)
            } else if byte == comma || byte == feed {
                if byte == feed, field.last == carriage, !wasQuoted { field.removeLast() }
                if byte == feed, isBlank() { continue }
                row.append(field)
                (field, wasQuoted) = ([], false)
                if byte == feed {
                    rows.append(row)
                    row = []
                }
            } else if byte != carriage || !wasQuoted {
                field.append(byte)
            }
        }
        if !isBlank() { rows.append(row + [field]) }
        return rows
    }
}
