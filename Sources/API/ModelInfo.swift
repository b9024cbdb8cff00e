/// The model that answers.
public struct ModelInfo: Codable, Sendable, Hashable {
    /// The SHA-256 of its file, which is its name.
    public var sha256: String
    /// The file.
    public var path: String
    /// The arithmetic of its weights: `int8`.
    public var precision: String
    /// How many numbers an embedding has.
    public var dimension: Int
    /// How many clusters it has.
    public var clusters: Int
    /// The width of its input in pixels.
    public var inputWidth: Int
    /// The height of its input in pixels.
    public var inputHeight: Int
    /// How a vector finds its cluster.
    public var rule: String
    /// The recipe it was trained with.
    public var recipe: String
    /// The seed of its training.
    public var seed: UInt64
    /// The epochs it was trained.
    public var epochs: Int
    /// The pictures it was trained on.
    public var trainedOn: Int
    /// What may be done with it.
    public var license: String
    /// The bits that each weight keeps, where fewer than 8 were asked for.
    public var weightBits: Int?

    /// A model from its fields.
    public init(
        sha256: String, path: String, precision: String, dimension: Int, clusters: Int,
        inputWidth: Int, inputHeight: Int, rule: String, recipe: String, seed: UInt64,
        epochs: Int, trainedOn: Int, license: String, weightBits: Int?
    ) {
        self.sha256 = sha256
        self.path = path
        self.precision = precision
        self.dimension = dimension
        self.clusters = clusters
        self.inputWidth = inputWidth
        self.inputHeight = inputHeight
        self.rule = rule
        self.recipe = recipe
        self.seed = seed
        self.epochs = epochs
        self.trainedOn = trainedOn
        self.license = license
        self.weightBits = weightBits
    }
}
