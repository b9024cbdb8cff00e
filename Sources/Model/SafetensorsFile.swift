package import Files
import Foundation
import Tensors

/// A safetensors file: named tensors behind a JSON header, which Python's `safetensors` reads.
///
/// The layout is an 8-byte little-endian header length, the header, and the raw tensors.
/// Written files have sorted keys, a header padded with spaces so that the data begins at a
/// multiple of 64, and tensors without gaps, wider types first, then by name: equal content
/// gives equal bytes.
package struct SafetensorsFile: Sendable, Equatable {
    /// The free-form strings of `__metadata__`.
    package var metadata: [String: String]
    /// The tensors by name.
    package var tensors: [String: WeightTensor]

    /// The longest header that is read, in bytes.
    static let longestHeader = 16 << 20

    /// A file of the given content.
    package init(metadata: [String: String], tensors: [String: WeightTensor]) {
        self.metadata = metadata
        self.tensors = tensors
    }

    /// What the header says of one tensor.
    package struct Entry: Codable, Equatable {
        package var dtype: String
        package var shape: [Int]
        // The first byte and the one after the last, counted from the end of the header.
        var data_offsets: [Int]
    }
}

// MARK: - Writing

extension SafetensorsFile {
    /// Writes the file durably, replacing what is at `path`.
    package func write(to path: String) throws(SystemCallError) {
        let order = tensors.sorted { a, b in
            (-a.value.elementSize, a.key) < (-b.value.elementSize, b.key)
        }
        let header = Self.header(metadata: metadata, order: order)
        try DurableFile.write(to: FilePath(path)) { (file) throws(SystemCallError) in
            try file.append([UInt64(header.count).littleEndian])
            try file.append(header)
            for (_, tensor) in order {
                switch tensor {
                case .float32(let tensor): try file.append(tensor.elements)
                case .int8(let tensor): try file.append(tensor.elements)
                case .int32(let tensor): try file.append(tensor.elements)
                }
            }
        }
    }

    private static func header(
        metadata: [String: String], order: [(key: String, value: WeightTensor)]
    ) -> [UInt8] {
        var fields: [String: HeaderField] = ["__metadata__": .metadata(metadata)]
        var offset = 0
        for (name, tensor) in order {
            let end = offset + tensor.shape.count * tensor.elementSize
            fields[name] = .tensor(
                Entry(
                    dtype: tensor.typeName, shape: tensor.shape.extents,
                    data_offsets: [offset, end]))
            offset = end
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and finite integers always encode.
        var bytes = (try? encoder.encode(fields)).map { [UInt8]($0) } ?? []
        while (bytes.count + 8) % 64 != 0 { bytes.append(UInt8(ascii: " ")) }
        return bytes
    }

    private enum HeaderField: Encodable {
        case metadata([String: String])
        case tensor(Entry)

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .metadata(let metadata): try metadata.encode(to: encoder)
            case .tensor(let entry): try entry.encode(to: encoder)
            }
        }
    }
}
