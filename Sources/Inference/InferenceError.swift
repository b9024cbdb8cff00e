public import Model

/// The reasons a checkpoint cannot be planned.
public enum InferenceError: Error, Equatable, Sendable {
    /// The checkpoint does not hold what its network needs, or is a float one.
    case checkpoint(CheckpointError.Reason)
    /// A layer that this engine cannot run.
    case unsupportedLayer(layer: String, reason: String)
    /// The network does not end in exactly one projection, normalization and set of centroids.
    case noClusters(found: Int)
    /// The batch or the number of threads is out of range.
    case invalidSetting(name: String, value: Int, allowed: ClosedRange<Int>)
    /// Activations need more memory than offsets can reach.
    case tooLarge(bytes: Int, limit: Int)
    /// `DC_ISA` asks for an instruction set that cannot be used.
    case instructionSet(String)
}

extension InferenceError: CustomStringConvertible {
    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .checkpoint(let reason):
            CheckpointError("the model", reason).description
        case .unsupportedLayer(let layer, let reason):
            "the model's layer '\(layer)' cannot be run: \(reason)"
        case .noClusters(let found):
            "the model has \(found) sets of centroids where one is needed: "
                + "make it with 'dctrain fit' or 'dctrain cluster'"
        case .invalidSetting(let name, let value, let allowed):
            "\(name) is \(value): choose \(allowed.lowerBound) to \(allowed.upperBound)"
        case .tooLarge(let bytes, let limit):
            "a batch would need \(bytes) bytes of activations, the limit is \(limit): "
                + "choose a smaller batch or smaller pictures"
        case .instructionSet(let reason):
            reason
        }
    }
}
