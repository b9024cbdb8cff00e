/// What a user asks of `dctrain fit`; what is `nil` is decided from the pictures, or taken
/// from the run folder where the run goes on.
public struct FitRequest: Sendable {
    /// A folder of pictures, or a text file with one path a line.
    public var images: String
    /// The run folder.
    public var run: String
    /// How pseudo-labels are made and learnt from.
    public var recipe: Recipe?
    /// The backbone.
    public var network: Architecture?
    /// Whether the fixed edge filter comes first.
    public var sobel: Bool?
    /// The side of the network's square input, in pixels.
    public var size: Int?
    /// The number of clusters.
    public var clusters: Int?
    /// The sizes of v2's prototype sets.
    public var prototypes: [Int]?
    /// The number of epochs.
    public var epochs: Int?
    /// The training time to choose the number of epochs for, in minutes.
    public var minutes: Double?
    /// The number of pictures in a training step.
    public var batch: Int?
    /// The seed of every random choice.
    public var seed: UInt64?
    /// The number of threads.
    public var threads: Int?
    /// At most how many pictures to use.
    public var maxPictures: Int?
    /// The exponent on the eigenvalues of the shipped projection.
    public var whiten: Float?
    /// The learning rate.
    public var learningRate: Float?
    /// The least share of a picture's area that a random crop takes.
    public var cropScale: Float?
    /// How strongly v2 varies colours.
    public var jitter: Float?
    /// At most how many bytes of decoded pictures are kept in memory.
    public var memory = 1 << 30
    /// How often the state is saved within an epoch.
    public var checkpointEvery = Duration.seconds(120)

    /// A request that leaves all but the places open.
    public init(images: String, run: String) {
        (self.images, self.run) = (images, run)
    }

    /// The settings with everything that the user gave put in.
    func applied(to settings: FitSettings) -> FitSettings {
        var result = settings
        func set<Value>(_ path: WritableKeyPath<FitSettings, Value>, _ value: Value?) {
            if let value { result[keyPath: path] = value }
        }
        set(\.recipe, recipe)
        set(\.network, network)
        set(\.sobel, sobel)
        set(\.size, size)
        set(\.clusters, clusters)
        set(\.prototypes, prototypes)
        set(\.epochs, epochs)
        set(\.batch, batch)
        set(\.seed, seed)
        set(\.threads, threads)
        set(\.whiten, whiten)
        set(\.learningRate, learningRate)
        set(\.cropScale, cropScale)
        set(\.jitter, jitter)
        if let minutes { result.minutes = minutes }
        if let maxPictures { result.maxPictures = maxPictures }
        return result
    }
}
