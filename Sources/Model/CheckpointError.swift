import Files

/// A checkpoint file that is refused, and why.
public struct CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What is wrong with it.
    public let reason: Reason

    /// A refusal of the file at `path`.
    public init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }

    /// The reasons a checkpoint file is refused.
    public enum Reason: Error, Equatable, Sendable {
        /// The system refused a call on the file.
        case system(call: String, number: Int32)
        /// The file does not begin with a safetensors header.
        case notSafetensors(String)
        /// The file is a safetensors file of another program.
        case foreign
        /// The format version is newer than this program knows.
        case unsupportedVersion(found: String, newest: Int)
        /// A metadata field is missing or cannot be read.
        case invalidMetadata(field: String, reason: String)
        /// The file ends before its tensors do, or goes on after them.
        case wrongSize(found: Int, expected: Int)
        /// A tensor's place in the file overlaps another's or leaves a gap.
        case wrongOffsets(tensor: String)
        /// A tensor's header entry makes no sense.
        case invalidTensor(tensor: String, reason: String)
        /// The network needs a tensor that is not there.
        case missingTensor(String)
        /// A tensor belongs to no layer of the network.
        case unexpectedTensor(String)
        /// A tensor's shape does not fit the network.
        case wrongShape(tensor: String, expected: [Int], found: [Int])
        /// A tensor's element type does not fit the checkpoint's precision.
        case wrongType(tensor: String, expected: String, found: String)
        /// The layers do not fit together.
        case network(NetworkError)
        /// A layer cannot occur at this precision.
        case wrongLayer(layer: String, kind: String, precision: Precision)
        /// A checkpoint of another precision is needed.
        case wrongPrecision(found: Precision, needed: Precision)
    }

    /// The file, what is wrong, and what to do.
    public var description: String { "\(path): \(Self.printable(reason.sentence))" }

    /// A sentence that quotes a file, on one line and of bounded length: a name in it may hold
    /// anything, a terminal's control characters and a million letters included.
    private static func printable(_ sentence: String) -> String {
        // The end says what to do, so the middle is left out.
        let scalars = sentence.unicodeScalars
        let isShort =
            scalars.index(scalars.startIndex, offsetBy: 600, limitedBy: scalars.endIndex)
            .map { $0 == scalars.endIndex } ?? true
        let shown =
            isShort
            ? Array(scalars) : scalars.prefix(400) + " … ".unicodeScalars + scalars.suffix(200)
        let line = shown.map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
            default: scalar
            }
        }
        return String(String.UnicodeScalarView(line))
    }
}

extension CheckpointError.Reason {
    /// What is wrong and what to do, as what a file is or has.
    package var sentence: String {
        switch self {
        case .system(let call, let number):
            "cannot be used: \(SystemCallError.message(number)) (\(call))"
        case .notSafetensors(let reason):
            "is not a checkpoint (\(reason)): give a .safetensors file that dctrain wrote"
        case .foreign:
            "is a safetensors file of another program: give one that dctrain wrote"
        case .unsupportedVersion(let found, let newest):
            "has format version \(found), the newest known here is \(newest): upgrade this program"
        case .invalidMetadata(let field, let reason):
            "is damaged: '\(field)' in its header cannot be used (\(reason)); write it again"
        case .wrongSize(let found, let expected):
            "has \(found) bytes where its header promises \(expected): it was cut short or "
                + "changed, copy it again"
        case .wrongOffsets(let tensor):
            "is damaged: tensor '\(tensor)' does not follow the one before it; copy it again"
        case .invalidTensor(let tensor, let reason):
            "is damaged: tensor '\(tensor)' \(reason); write it again"
        case .missingTensor(let tensor):
            "is incomplete: its network needs the tensor '\(tensor)'; write it again"
        case .unexpectedTensor(let tensor):
            "has a tensor '\(tensor)' that belongs to no layer of its network; write it again"
        case .wrongShape(let tensor, let expected, let found):
            "has '\(tensor)' as \(found), its network needs \(expected); write it again"
        case .wrongType(let tensor, let expected, let found):
            "has '\(tensor)' as \(found), its network needs \(expected); write it again"
        case .network(let error):
            "has a network that cannot run: \(error); write it again"
        case .wrongLayer(let layer, let kind, let precision):
            "has a layer '\(layer)' of kind \(kind), which a checkpoint of precision "
                + "\(precision.rawValue) cannot hold; write it again"
        case .wrongPrecision(.float32, _):
            "is a float checkpoint where an int8 one is needed: make one with 'dctrain cluster' "
                + "or 'dctrain quantize'"
        case .wrongPrecision(.int8, _):
            "is an int8 checkpoint where a float one is needed: give the file it was quantized from"
        }
    }
}
