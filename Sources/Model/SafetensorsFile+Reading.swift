import Files
import Foundation
import Tensors

extension SafetensorsFile {
    /// Reads and checks the file at `path`.
    ///
    /// Every length is compared with the file's size before anything of that length is
    /// allocated, so a hostile file costs no more memory than its size.
    package init(contentsOf path: String) throws(CheckpointError) {
        let reader = try SafetensorsReader.open(path)
        try self.init(reader)
    }

    init(_ reader: borrowing SafetensorsReader) throws(CheckpointError) {
        self.init(metadata: reader.metadata, tensors: [:])
        for name in reader.entries.keys { tensors[name] = try reader.tensor(name) }
    }
}

/// A safetensors file whose header has been read and checked; tensors are read on demand.
package struct SafetensorsReader: ~Copyable {
    let path: String
    /// The free-form strings of `__metadata__`.
    package let metadata: [String: String]
    /// What the header says of each tensor, by name.
    package let entries: [String: SafetensorsFile.Entry]
    private let file: OpenFile
    private let dataStart: Int

    private init(path: String, file: OpenFile, header: Header) {
        self.path = path
        self.file = file
        (metadata, entries, dataStart) = header
    }

    /// Opens the file at `path` and checks its header.
    package static func open(_ path: String) throws(CheckpointError) -> SafetensorsReader {
        do throws(CheckpointError.Reason) {
            let (file, size) = try openRegularFile(FilePath(path))
            return SafetensorsReader(
                path: path, file: file, header: try header(file, size: size))
        } catch {
            throw CheckpointError(path, error)
        }
    }

    private typealias Header = (
        metadata: [String: String], entries: [String: SafetensorsFile.Entry], dataStart: Int
    )

    private static func header(
        _ file: OpenFile, size: Int
    ) throws(CheckpointError.Reason) -> Header {
        let bytes = try readHeader(file, size: size)
        let (metadata, entries) = try parse(bytes)
        try checkOffsets(entries, size: size, dataStart: 8 + bytes.count)
        return (metadata, entries, 8 + bytes.count)
    }

    private static func openRegularFile(
        _ path: FilePath
    ) throws(CheckpointError.Reason) -> (file: OpenFile, size: Int) {
        do throws(SystemCallError) {
            let file = try OpenFile(reading: path)
            let status = try file.status()
            if status.kind == .regular { return (file, Int(status.identity.size)) }
        } catch { throw .system(call: error.call, number: error.number) }
        throw .notSafetensors("it is not a regular file")
    }

    private static func readHeader(
        _ file: OpenFile, size: Int
    ) throws(CheckpointError.Reason) -> [UInt8] {
        guard size >= 8 else { throw .notSafetensors("it has only \(size) bytes") }
        let prefix: [UInt8] = try read(file, count: 8, at: 0)
        let length = prefix.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        guard length >= 2, length <= UInt64(SafetensorsFile.longestHeader) else {
            throw .notSafetensors(
                "its header would have \(length) bytes, not 2 to \(SafetensorsFile.longestHeader)")
        }
        guard Int(length) <= size - 8 else {
            throw .notSafetensors("its header of \(length) bytes reaches beyond its end")
        }
        return try read(file, count: Int(length), at: 8)
    }

    private static func parse(
        _ header: [UInt8]
    ) throws(CheckpointError.Reason) -> ([String: String], [String: SafetensorsFile.Entry]) {
        guard header.first == UInt8(ascii: "{") else {
            throw .notSafetensors("its header is not JSON")
        }
        do {
            try JSONCheck.run(header, isHeader: true)
            let parsed = try JSONDecoder().decode(ParsedHeader.self, from: Data(header))
            return (parsed.metadata, parsed.entries)
        } catch let problem as JSONCheck.Problem {
            throw .invalidMetadata(
                field: problem.path.isEmpty ? "header" : problem.path, reason: problem.reason)
        } catch let error as DecodingError where !error.path.isEmpty {
            throw .invalidMetadata(field: error.path, reason: error.reason)
        } catch {
            throw .notSafetensors("its header is not JSON")
        }
    }

    private struct ParsedHeader: Decodable {
        var metadata: [String: String] = [:]
        var entries: [String: SafetensorsFile.Entry] = [:]

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: AnyName.self)
            for key in fields.allKeys {
                if key.stringValue == "__metadata__" {
                    metadata = try fields.decode([String: String].self, forKey: key)
                } else {
                    entries[key.stringValue] = try fields.decode(
                        SafetensorsFile.Entry.self, forKey: key)
                }
            }
        }
    }

    /// The tensors must fill the data part from its start to the end of the file, in some
    /// order, each as long as its type and shape say.
    private static func checkOffsets(
        _ entries: [String: SafetensorsFile.Entry], size: Int, dataStart: Int
    ) throws(CheckpointError.Reason) {
        // In one order, so that a file is always refused with the same words.
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            guard entry.data_offsets.count == 2, entry.data_offsets[0] >= 0,
                entry.data_offsets[0] <= entry.data_offsets[1]
            else { throw .wrongOffsets(tensor: name) }
            let length = try byteCount(of: entry, name)
            guard entry.data_offsets[1] - entry.data_offsets[0] == length else {
                throw .invalidTensor(
                    tensor: name,
                    reason: "has \(entry.data_offsets[1] - entry.data_offsets[0]) bytes, its "
                        + "shape needs \(length)")
            }
        }
        var end = 0
        // Empty tensors share their offset with the next one, so they come first.
        for (name, entry) in entries.sorted(by: {
            $0.value.data_offsets.lexicographicallyPrecedes($1.value.data_offsets)
        }) {
            guard entry.data_offsets[0] == end else { throw .wrongOffsets(tensor: name) }
            end = entry.data_offsets[1]
        }
        guard end == size - dataStart else {
            throw .wrongSize(found: size, expected: dataStart + min(end, Int.max - dataStart))
        }
    }

    private static func byteCount(
        of entry: SafetensorsFile.Entry, _ name: String
    ) throws(CheckpointError.Reason) -> Int {
        // Those of other programs' files are told apart, and read in `Exchange`.
        let elementSizes = [
            "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2,
            "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
        ]
        guard var count = elementSizes[entry.dtype] else {
            throw .invalidTensor(tensor: name, reason: "is of the unknown type '\(entry.dtype)'")
        }
        guard entry.shape.count <= 8 else {
            throw .invalidTensor(tensor: name, reason: "has \(entry.shape.count) dimensions")
        }
        // An extent of zero must not hide that the product of the others overflows.
        for extent in entry.shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
            guard extent >= 0, !overflow else {
                throw .invalidTensor(
                    tensor: name, reason: "has the impossible shape \(entry.shape)")
            }
            count = product
        }
        return entry.shape.contains(0) ? 0 : count
    }

    /// The bytes of a tensor in the file; they were checked when the file was opened.
    package func place(of name: String) -> Range<Int>? {
        guard let offsets = entries[name]?.data_offsets else { return nil }
        return dataStart + offsets[0]..<dataStart + offsets[1]
    }

    /// Reads one tensor; its place was checked when the file was opened.
    package func tensor(_ name: String) throws(CheckpointError) -> WeightTensor {
        guard let entry = entries[name] else { throw CheckpointError(path, .missingTensor(name)) }
        let shape = Shape(entry.shape)
        let offset = dataStart + entry.data_offsets[0]
        do throws(CheckpointError.Reason) {
            switch entry.dtype {
            case "F32":
                return .float32(
                    Tensor(try Self.read(file, count: shape.count, at: offset), shape: shape))
            case "I32":
                return .int32(
                    Tensor(try Self.read(file, count: shape.count, at: offset), shape: shape))
            case "I8":
                return .int8(
                    Tensor(try Self.read(file, count: shape.count, at: offset), shape: shape))
            case let type:
                throw .wrongType(tensor: name, expected: "F32, I32 or I8", found: type)
            }
        } catch {
            throw CheckpointError(path, error)
        }
    }

    private static func read<Element: BitwiseCopyable>(
        _ file: OpenFile, count: Int, at offset: Int
    ) throws(CheckpointError.Reason) -> [Element] {
        var failure: CheckpointError.Reason?
        let array = unsafe [Element](unsafeUninitializedCapacity: count) { buffer, filled in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            do throws(SystemCallError) {
                if try unsafe file.read(bytes, at: offset) == bytes.count {
                    filled = count
                } else {
                    failure = .notSafetensors("it was cut short meanwhile")
                }
            } catch { failure = .system(call: error.call, number: error.number) }
        }
        if let failure { throw failure }
        return array
    }
}
