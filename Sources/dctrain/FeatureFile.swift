import Foundation
import FrozenClustering
import Tensors

/// The features that `dctrain embed` wrote for a model without clusters: the numbers in BASE.npy,
/// the pictures in BASE.tsv.
enum FeatureFile {
    /// Reads both files.
    ///
    /// - Parameter base: What the names of the files begin with, or the name of the first.
    /// - Returns: The features and their pictures.
    /// - Throws: `CommandFailure` with the file and what is wrong with it.
    static func read(_ base: String) throws -> FrozenFeatures {
        let base = base.hasSuffix(".npy") ? String(base.dropLast(4)) : base
        let vectors = try matrix(at: "\(base).npy")
        let names = try paths(at: "\(base).tsv")
        guard names.count == vectors.shape[0] else {
            throw CommandFailure(
                "'\(base).tsv' lists \(names.count) pictures, '\(base).npy' has "
                    + "\(vectors.shape[0]) rows: give what one run of 'dctrain embed' wrote")
        }
        return FrozenFeatures(place: "\(base).npy", names: names, vectors: vectors)
    }

    private static func content(of path: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
        } catch {
            throw CommandFailure(
                "'\(path)' cannot be read: give the OUT of 'dctrain embed', which wrote "
                    + "OUT.npy and OUT.tsv")
        }
    }

    /// The matrix of a NumPy file as `embed` writes it: version 1.0, two extents, float32.
    private static func matrix(at path: String) throws -> Tensor<Float> {
        let file = try content(of: path)
        let malformed = CommandFailure("'\(path)' is no NumPy file of float32 features")
        guard file.count >= 10, file.prefix(8).elementsEqual([0x93] + Array("NUMPY".utf8) + [1, 0])
        else { throw malformed }
        let start = 10 + Int(file[8]) + Int(file[9]) << 8
        guard start <= file.count else { throw malformed }
        let header = String(decoding: file[10..<start], as: UTF8.self)
        let shape = /'shape': \((\d+), (\d+),? ?\)/
        guard header.contains("'descr': '<f4'"), header.contains("'fortran_order': False"),
            let match = header.firstMatch(of: shape),
            let rows = Int(match.1), let columns = Int(match.2), rows > 0, columns > 0
        else { throw malformed }
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        guard !overflow, count <= file.count, file.count - start == count * 4 else {
            throw malformed
        }
        let values = unsafe file[start...].withUnsafeBytes { bytes in
            (0..<count).map { unsafe bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
        }
        return Tensor(values, shape: [rows, columns])
    }

    /// The first column, below its heading.
    private static func paths(at path: String) throws -> [String] {
        let lines = String(decoding: try content(of: path), as: UTF8.self).split(separator: "\n")
        let fields = lines.map { line in line.prefix { $0 != "\t" } }
        guard fields.first == "path" else {
            throw CommandFailure(
                "'\(path)' is no table of pictures: its first column is not 'path'")
        }
        return fields.dropFirst().map { unescaped($0) }
    }

    /// The text of a field, in which `embed` wrote tabs, line ends and backslashes as two
    /// characters each.
    private static func unescaped(_ field: Substring) -> String {
        var text = ""
        var isEscaped = false
        for character in field {
            if isEscaped {
                text.append(character == "t" ? "\t" : character == "n" ? "\n" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                text.append(character)
            }
        }
        return text
    }
}
