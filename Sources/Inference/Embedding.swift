/// What the network says of one picture.
public struct Embedding: Sendable, Equatable {
    /// The feature vector, of unit length (all zeros where the network's output was zero).
    public var vector: [Float]
    /// The nearest centroid, the lowest id among equals.
    public var cluster: Int
    /// The Euclidean distance to it.
    public var distance: Float
    /// The runner-up; the cluster itself where there is only one.
    public var second: Int
    /// `1 − distance / distance to the runner-up`: 0 on the border between two clusters (or
    /// where there is only one), towards 1 in the middle of one.
    public var margin: Float

    /// A result of the given parts.
    public init(vector: [Float], cluster: Int, distance: Float, second: Int, margin: Float) {
        self.vector = vector
        self.cluster = cluster
        self.distance = distance
        self.second = second
        self.margin = margin
    }
}
