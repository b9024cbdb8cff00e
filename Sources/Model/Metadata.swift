/// The number format of a checkpoint's weights.
public enum Precision: String, Codable, Sendable {
    /// 32-bit floating point: what training works on.
    case float32
    /// 8-bit integers with scales: what the daemon runs.
    case int8
}

/// How a checkpoint's clusters came to be and how they are assigned.
public struct ClusteringDescription: Codable, Sendable, Equatable {
    /// The number of clusters `K`.
    public var clusters: Int
    /// The dimension `D` of an embedding.
    public var dimension: Int
    /// The rule that assigns a picture to a cluster, in words.
    public var rule: String
    /// Whether embeddings have unit length.
    public var normalized: Bool
    /// The exponent on the eigenvalues of the projection: −0.5 whitens, 0 only rotates.
    public var whiteningExponent: Float

    /// A description of `clusters` centroids of `dimension` numbers.
    public init(
        clusters: Int, dimension: Int, rule: String = "nearest centroid, squared L2",
        normalized: Bool = true, whiteningExponent: Float
    ) {
        self.clusters = clusters
        self.dimension = dimension
        self.rule = rule
        self.normalized = normalized
        self.whiteningExponent = whiteningExponent
    }

    private enum CodingKeys: String, CodingKey {
        case clusters, dimension, rule, normalized
        case whiteningExponent = "whitening_exponent"
    }
}

/// Where a checkpoint comes from.
///
/// It has no date, so that equal work gives equal bytes.
public struct Provenance: Codable, Sendable, Equatable {
    /// The recipe, as in `deepcluster-v2`.
    public var recipe: String
    /// The seed of every random choice.
    public var seed: UInt64
    /// The number of epochs trained.
    public var epochs: Int
    /// The number of pictures trained on.
    public var pictures: Int
    /// The SHA-256 of the list of pictures.
    public var picturesDigest: String
    /// The program and version that wrote the file.
    public var program: String
    /// The file that an imported network was read from, and its SHA-256.
    public var source: String?

    /// A provenance record.
    public init(
        recipe: String, seed: UInt64, epochs: Int, pictures: Int, picturesDigest: String,
        program: String = ProgramVersion.description, source: String? = nil
    ) {
        self.recipe = recipe
        self.seed = seed
        self.epochs = epochs
        self.pictures = pictures
        self.picturesDigest = picturesDigest
        self.program = program
        self.source = source
    }

    private enum CodingKeys: String, CodingKey {
        case recipe, seed, epochs, pictures, program, source
        case picturesDigest = "pictures_digest"
    }
}

/// The version of this software, as checkpoints and programs report it.
public enum ProgramVersion {
    /// The version number.
    public static let number = "0.1.0"
    /// The name and the version number.
    public static let description = "deepcluster \(number)"
}
