/// The small crops that v2 learns from beside its two large ones.
///
/// They cost little, since the work of a convolution goes with the area, and make a part of a
/// picture predict the cluster of the whole. They are never clustered themselves.
///
/// Source: Caron et al., "Unsupervised Learning of Visual Features by Contrasting Cluster
/// Assignments", NeurIPS 2020 (arXiv:2006.09882), "multi-crop".
public struct SmallCrops: Codable, Sendable, Equatable {
    /// How many of each picture.
    public var count: Int
    /// Their side in pixels.
    public var size: Int
    /// The least share of a picture's area that one takes.
    public var least: Float
    /// The largest share.
    public var most: Float

    /// Crops of customary size and share.
    ///
    /// - Parameters:
    ///   - count: How many of each picture.
    ///   - largeSize: The side of the large crops, in pixels; the small ones have 3/7 of it, as
    ///     96 to 224, to a multiple of 8.
    ///   - largeLeast: The least share of the area that a large crop takes.
    public init(count: Int, largeSize: Int, largeLeast: Float) {
        self.count = count
        size = max(8, (largeSize * 3 / 7 + 4) / 8 * 8)
        // A small picture shows nothing in a twentieth of it.
        (least, most) = largeSize < 128 ? (0.15, max(0.3, largeLeast)) : (0.05, 0.14)
    }
}

extension SmallCrops: CustomStringConvertible {
    /// The crops as a plan tells them.
    public var description: String {
        "\(count) of \(size) pixels and \(least) to \(most) of the area"
    }
}
