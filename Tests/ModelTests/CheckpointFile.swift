import Foundation
import Model
import TestSupport
import Testing

/// A checkpoint file taken apart, to be put together wrongly.
struct CheckpointFile {
    /// The header, whose `__metadata__` is read on into the network and all else.
    var header: JSONTree
    /// All tensors, as they follow the header.
    var data: [UInt8]

    /// The file that `checkpoint` is written to.
    init(_ checkpoint: Checkpoint) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("whole.safetensors")
        try checkpoint.write(to: path)
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        header = try JSONTree(Array(bytes[8..<8 + length]))
        data = Array(bytes[(8 + length)...])
    }

    /// The whole file.
    var bytes: [UInt8] { Self.bytes(header: Array(header.text.utf8), data: data) }

    /// A file with any bytes as its header.
    static func bytes(header: [UInt8], data: [UInt8] = []) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + data
    }

    /// A member of the metadata.
    subscript(field: String) -> JSONTree? {
        get { header["__metadata__", field] }
        set { header["__metadata__", field] = newValue }
    }

    /// A member of a layer of the network.
    subscript(layer index: Int, field: String) -> JSONTree? {
        get { header["__metadata__", "network", "layers", "\(index)", field] }
        set { header["__metadata__", "network", "layers", "\(index)", field] = newValue }
    }
}

/// Reads bytes as a checkpoint file.
struct CheckpointReading {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("model.safetensors")
    }

    /// The checkpoint in a file of these bytes.
    func read(_ bytes: [UInt8]) throws -> Checkpoint {
        try folder.write(bytes, to: "model.safetensors")
        return try Checkpoint(contentsOf: path)
    }

    /// Why a file of these bytes is refused; a file that is read is a failure, and so is a
    /// sentence that does not name the file or that is not one line.
    func refusal(
        _ bytes: [UInt8], _ what: String = "", at location: SourceLocation = #_sourceLocation
    ) throws -> CheckpointError.Reason? {
        let error = #expect(
            throws: CheckpointError.self, "\(what) is read", sourceLocation: location
        ) { try read(bytes) }
        guard let error else { return nil }
        #expect(error.path == path, "\(what)", sourceLocation: location)
        let sentence = error.description
        #expect(sentence.hasPrefix("\(path): "), "\(what)", sourceLocation: location)
        #expect(
            sentence.count < path.count + 800 && !sentence.contains { $0.isNewline },
            "\(what): \(sentence)", sourceLocation: location)
        return error.reason
    }
}
