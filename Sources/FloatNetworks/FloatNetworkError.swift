public import Tensors

/// Why a network cannot be run in Float.
public enum FloatNetworkError: Error, Equatable, Sendable {
    /// The network cannot be executed or trained.
    case invalidNetwork(reason: String)
    /// A tensor that the network needs is not there.
    case missingTensor(name: String)
    /// A tensor does not fit the network.
    case wrongShape(tensor: String, expected: Shape, found: Shape)
}

extension FloatNetworkError: CustomStringConvertible {
    /// One sentence: what is wrong and what to do about it.
    public var description: String {
        switch self {
        case .invalidNetwork(let reason):
            "the network cannot be run: \(reason)"
        case .missingTensor(let name):
            "'\(name)' is missing: the weights belong to another network"
        case .wrongShape(let tensor, let expected, let found):
            "'\(tensor)' is \(found), the network needs \(expected)"
        }
    }
}
