/// The reasons a matrix computation gives no answer.
public enum LinearAlgebraError: Error, Equatable, Sendable {
    /// The eigenvalues of a symmetric matrix of this order did not converge.
    case noConvergence(order: Int)
    /// A symmetric matrix of this order is not positive definite.
    case notPositiveDefinite(order: Int)
}

extension LinearAlgebraError: CustomStringConvertible {
    /// A sentence with the remedy.
    public var description: String {
        switch self {
        case .noConvergence(let order):
            "the eigenvalues of a \(order) × \(order) matrix did not converge: "
                + "check the features for extreme values"
        case .notPositiveDefinite(let order):
            "a \(order) × \(order) matrix is not positive definite: add to its diagonal"
        }
    }
}
