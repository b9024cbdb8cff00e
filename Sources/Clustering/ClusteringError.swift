import LinearAlgebra

/// The reasons features cannot be projected or clustered.
public enum ClusteringError: Error, Equatable, Sendable {
    /// There are not enough rows for the fit.
    case tooFewRows(found: Int, needed: Int)
    /// There are fewer points than clusters.
    case fewerPointsThanClusters(points: Int, clusters: Int)
    /// A row holds NaN or an infinity.
    case notFinite(row: Int)
    /// All rows are the same, so there is no direction to project on.
    case noVariance(rows: Int)
    /// Fewer than one cluster or component, or a negative number of iterations.
    case wrongSetting(name: String, value: Int)
    /// The initial centroids have another shape than the settings and the points ask for.
    case wrongInitialCentroids(found: [Int], expected: [Int])
    /// The eigenvalues of the features' scatter did not converge.
    case noConvergence(order: Int)
}

extension ClusteringError {
    /// What a failed matrix computation means for the clustering.
    init(_ error: LinearAlgebraError) {
        switch error {
        case .noConvergence(let order), .notPositiveDefinite(let order):
            self = .noConvergence(order: order)
        }
    }
}

extension ClusteringError: CustomStringConvertible {
    /// A sentence with the remedy.
    public var description: String {
        switch self {
        case .tooFewRows(let found, let needed):
            "\(found) features are too few, \(needed) are needed: give more pictures"
        case .fewerPointsThanClusters(let points, let clusters):
            "\(points) pictures cannot make \(clusters) clusters: give more pictures or ask for "
                + "at most \(points) clusters"
        case .notFinite(let row):
            "feature \(row) holds NaN or an infinity: the network has diverged, train again with "
                + "a lower learning rate"
        case .noVariance(let rows):
            "all \(rows) features are the same: the network has collapsed or the pictures are "
                + "copies of one another, give other pictures or a lower learning rate"
        case .wrongSetting(let name, let value):
            "\(name) cannot be \(value): give a larger number"
        case .wrongInitialCentroids(let found, let expected):
            "the initial centroids are \(found), \(expected) are needed: give one row a cluster"
        case .noConvergence(let order):
            "the eigenvalues of \(order) features did not converge: check the features for "
                + "extreme values"
        }
    }
}
