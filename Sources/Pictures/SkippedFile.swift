import Files
private import Foundation
private import Model

/// A file that is no readable picture.
public struct SkippedFile: Codable, Equatable, Sendable {
    /// The file, below the folder or as the list has it.
    public let path: String
    /// Why it cannot be used, in one sentence.
    public let reason: String

    /// A file and the reason.
    public init(path: String, reason: String) {
        (self.path, self.reason) = (path, reason)
    }

    /// Writes a table of files: path, tab, reason, with a line of headings.
    ///
    /// - Parameters:
    ///   - files: The files, none or more.
    ///   - path: The table, replaced where it is there.
    /// - Throws: `SystemCallError` where it cannot be written.
    public static func write(_ files: [SkippedFile], to path: String) throws {
        let lines = files.map { "\($0.path.tableField)\t\($0.reason.tableField)\n" }
        try DurableFile.write("path\treason\n" + lines.joined(), to: FilePath(path))
    }

    /// The paths in a table of files, each as the field spells it.
    ///
    /// - Parameter path: The table, which `write` made.
    /// - Returns: The fields in the table's order, or `nil` where there is no table.
    package static func pathFields(inTableAt path: String) -> [String]? {
        FileManager.default.contents(atPath: path).map { table in
            // One line of headings.
            table.split(separator: 10).dropFirst().map { line in
                String(decoding: line.prefix { $0 != 9 }, as: UTF8.self)
            }
        }
    }
}

extension String {
    /// The text as a field of a tab-separated table: on one line and without tabs.
    public var tableField: String {
        replacingOccurrences(of: "\\", with: "\\\\")
            .replacingOccurrences(of: "\t", with: "\\t")
            .replacingOccurrences(of: "\n", with: "\\n")
    }
}
