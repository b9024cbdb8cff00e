import Files
public import Model

/// A file of another program that is refused, and why.
public struct ExchangeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What is wrong with it.
    public let reason: Reason

    /// A refusal of the file at `path`.
    public init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }

    /// The reasons a file is refused.
    public enum Reason: Error, Equatable, Sendable {
        /// The system refused a call on the file.
        case system(call: String, number: Int32)
        /// The path names a folder, a pipe or a device.
        case notARegularFile
        /// The file is in none of the formats that are read.
        case unknownContainer(String)
        /// The file ends too early.
        case truncated(what: String, offset: Int)
        /// Something in the file contradicts itself or its format.
        case damaged(String)
        /// The pickle asks for a Python object that is not on the list of harmless ones.
        case forbiddenGlobal(String)
        /// The pickle uses an instruction that state dictionaries do not need.
        case forbiddenInstruction(String, offset: Int)
        /// Something is larger than any file in use needs.
        case tooLarge(what: String, limit: Int)
        /// An entry of a zip file is not as PyTorch writes it.
        case zipEntry(name: String, reason: String)
        /// A storage, which holds the numbers of tensors, does not fit the file.
        case invalidStorage(key: String, reason: String)
        /// A tensor does not fit its storage, or cannot be read as numbers.
        case invalidTensor(name: String, reason: String)
        /// The file has no dictionary of tensors.
        case noTensors
        /// The tensors belong to no network that is known.
        case unknownLayout(keys: [String], nearest: String, missing: [String])
        /// The tensors are those of a known network and others.
        case unexpectedTensors(layout: String, names: [String])
        /// A tensor's shape does not fit the network.
        case wrongShape(tensor: String, expected: [Int], found: [Int])
        /// The head that is asked for is not in the file.
        case noHead(layout: String, missing: String)
        /// The network that was made is no valid checkpoint.
        case checkpoint(CheckpointError.Reason)
        /// A model is larger than its format can hold.
        case tooLargeToWrite(bytes: Int)
        /// Integers where floats are wanted.
        case integerWeights
        /// Protocol buffers cannot hold the model.
        case notSerializable(String)
    }

    /// The file, what is wrong, and what to do.
    public var description: String { "\(path): \(reason.sentence)" }
}

extension ExchangeError.Reason {
    private static let saveAgain =
        "in Python, save model.state_dict() alone, with torch.save or safetensors"

    var sentence: String {
        switch self {
        case .system(let call, let number):
            "cannot be used: \(SystemCallError.message(number)) (\(call))"
        case .notARegularFile:
            "is not a regular file: give the file that holds the weights"
        case .unknownContainer(let found):
            "is in none of the formats read here (\(found)): give a PyTorch file (.pt, .pth, "
                + ".pth.tar) or a .safetensors file"
        case .truncated(let what, let offset):
            "ends inside \(what) at byte \(offset): it was cut short, copy it again"
        case .damaged(let what):
            "is damaged: \(what); copy it again"
        case .forbiddenGlobal(let name):
            "asks to call '\(name)' of Python, which is not run here: \(Self.saveAgain)"
        case .forbiddenInstruction(let name, let offset):
            "uses the pickle instruction \(name) at byte \(offset), which is not run here: "
                + Self.saveAgain
        case .tooLarge(let what, let limit):
            "has \(what), more than the \(limit) that are read: \(Self.saveAgain)"
        case .zipEntry(let name, let reason):
            "has an entry '\(name)' that PyTorch does not write: it \(reason); "
                + "write it again with torch.save"
        case .invalidStorage(let key, let reason):
            "is damaged: the storage '\(key)' \(reason); copy it again"
        case .invalidTensor(let name, let reason):
            "has a tensor '\(name)' that cannot be used: it \(reason); \(Self.saveAgain)"
        case .noTensors:
            "holds no dictionary of tensors: \(Self.saveAgain)"
        case .unknownLayout(let keys, let nearest, let missing):
            "is of no network known here; nearest is \(nearest), which also needs "
                + "\(Self.list(missing)). Its tensors: \(Self.list(keys, limit: 400))"
        case .unexpectedTensors(let layout, let names):
            "has all tensors of \(layout), and \(Self.list(names)) too, so it is another network: "
                + "remove them if they are not part of it"
        case .wrongShape(let tensor, let expected, let found):
            "has '\(tensor)' as \(found), its network needs \(expected): it is a variant that is "
                + "not known here"
        case .noHead(let layout, let missing):
            "is a \(layout) without the head that is to be kept ('\(missing)' is missing): "
                + "leave --keep-head out"
        case .checkpoint(let reason):
            "cannot become a checkpoint: that \(reason.sentence)"
        case .tooLargeToWrite(let bytes):
            "cannot be written: the model's \(bytes >> 20) MiB are more than the 2 GiB of an ONNX "
                + "file; give --safetensors"
        case .integerWeights:
            "cannot be written: the weights are int8, give the float checkpoint they were made of, "
                + "or --onnx"
        case .notSerializable(let reason):
            "cannot be written (\(reason)): give --safetensors"
        }
    }

    /// The first names of a list and the number of the others.
    private static func list(_ names: [String], limit: Int = 8) -> String {
        let shown = names.prefix(limit).map { "'\($0)'" }.joined(separator: ", ")
        return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
    }
}
