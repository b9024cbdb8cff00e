import Foundation
import Model
import Testing

/// Every field of a header, taken away, doubled, and replaced by values of every type: the file is
/// refused for a reason that names the place, or the field is one that may hold the value.
struct HeaderMutationTests {
    /// What a field is replaced by, as JSON writes it.
    static let values = [
        "null", "true", "-1", "0", "0.5", "7", "4294967296", "\(Int.max)", "18446744073709551616",
        "1e39", "\"\"", "\"other\"", "[]", "{}",
    ]

    /// What may hold another value of its type: provenance, how pictures are normalized, and what
    /// makes another network that the same tensors fit.
    static let free = [
        "license", "recipe", "seed", "epochs", "pictures", "pictures_digest", "program", "source",
        "clustering", "rule", "normalized", "whitening_exponent", "mean", "standardDeviation",
        "shortSide", "epsilon", "stride", "padding", "width", "height",
    ]

    @Test(arguments: [smallCheckpoint(), smallInt8Checkpoint()])
    func everyFieldIsChecked(checkpoint: Checkpoint) throws {
        let whole = try CheckpointFile(checkpoint)
        let reading = try CheckpointReading()
        var refused = 0
        for path in whole.header.paths {
            for (change, file) in Self.changes(of: whole, at: path) {
                let what = "\(path.joined(separator: ".")) \(change)"
                if let read = try? reading.read(file.bytes) {
                    let isFree = path.contains { Self.free.contains($0) }
                    #expect(isFree || Self.meansTheSame(read, checkpoint), "\(what) is read")
                    try read.validate()
                } else {
                    let reason = try reading.refusal(file.bytes, what)
                    try Self.expectNamed(path, in: reason, what)
                    refused += 1
                }
            }
        }
        #expect(refused > 1000)
    }

    /// The file with one field changed, in each of the ways that changes it.
    private static func changes(
        of whole: CheckpointFile, at path: [String]
    ) -> [(change: String, file: CheckpointFile)] {
        var changes: [(String, CheckpointFile)] = []
        let text = whole.header.text
        func add(_ change: String, _ edit: (inout JSONTree) -> Void) {
            var file = whole
            edit(&file.header)
            if file.header.text != text { changes.append((change, file)) }
        }
        add("missing") { $0.set(path[...], nil) }
        add("twice") { $0.repeat(path[...]) }
        for value in values { add("as \(value)") { $0.set(path[...], .scalar(value)) } }
        return changes
    }

    /// Whether only what no computation reads differs: another layer as the feature, a convolution
    /// whose bias is said to be absent in an int8 file (which always has one).
    private static func meansTheSame(_ a: Checkpoint, _ b: Checkpoint) -> Bool {
        var a = a
        a.network.feature = b.network.feature
        if b.precision == .int8 {
            for (index, layer) in a.network.layers.enumerated() {
                switch (layer.kind, b.network.layers[index].kind) {
                case (.convolution(var convolution), .convolution(let other)):
                    convolution.hasBias = other.hasBias
                    a.network.layers[index].kind = .convolution(convolution)
                case (.linear(let outputs, _), .linear(_, let hasBias)):
                    a.network.layers[index].kind = .linear(outputs: outputs, hasBias: hasBias)
                default: break
                }
            }
        }
        return a == b
    }

    /// The sentence names the tensor, the metadata field, or the layer that the path leads to; or,
    /// where one is gone, whatever misses it.
    private static func expectNamed(
        _ path: [String], in reason: CheckpointError.Reason?, _ what: String
    ) throws {
        let said = CheckpointError("", try #require(reason)).description
        switch reason {
        case .foreign, .unsupportedVersion:
            #expect(path.count <= 2 && path[0] == "__metadata__", "\(what): \(said)")
        case .network, .wrongLayer, .wrongType, .wrongShape, .invalidTensor, .missingTensor,
            .unexpectedTensor:
            // The layer or the tensor that no longer fits.
            #expect(said.contains("'"), "\(what): \(said)")
        case .wrongOffsets,
            .wrongSize where path.count == 1:
            // The tensor is gone; the next one, or the end, is out of place.
            break
        default:
            let name = path[0] == "__metadata__" && path.count > 1 ? path[1] : path[0]
            #expect(said.contains(name), "\(what): \(said)")
        }
    }
}
