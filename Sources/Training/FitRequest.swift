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
    /// A float checkpoint to begin with instead of random weights.
    public var initial: String?
    /// Whether the fixed edge filter comes first.
    public var sobel: Bool?
    /// The side of the network's square input, in pixels.
    public var size: Int?
    /// The number of clusters.
    public var clusters: Int?
    /// How v1 finds an epoch's clusters.
    public var clustering: ClusterSearch?
    /// How many passes over the pictures v1 makes from one clustering to the next.
    public var reassign: Double?
    /// How v1 draws the pictures of an epoch.
    public var sampler: Sampling?
    /// The sizes of v2's prototype sets.
    public var prototypes: [Int]?
    /// How many small crops of each picture v2 learns from.
    public var smallCrops: Int?
    /// Their side in pixels.
    public var smallSize: Int?
    /// The least and the largest share of the area that one takes.
    public var smallScale: ClosedRange<Float>?
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
    /// The momentum of the backbone's SGD.
    public var momentum: Float?
    /// The weight decay.
    public var weightDecay: Float?
    /// The share of the steps in which v2's learning rate rises.
    public var warmUp: Float?
    /// What v2 divides its logits by.
    public var temperature: Float?
    /// The least share of a picture's area that a random crop takes.
    public var cropScale: Float?
    /// How strongly v2 varies colours.
    public var jitter: Float?
    /// The probability that v2 takes a crop's colours away.
    public var grayscale: Float?
    /// The probability that v2 blurs a crop.
    public var blur: Float?
    /// At most how many bytes of decoded pictures are kept in memory, and of features that PCA is
    /// fitted on.
    public var memory = 1 << 30
    /// Whether to stop once the plan is made, and leave nothing behind.
    public var isDryRun = false
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
        set(\.sobel, sobel)
        set(\.size, size)
        set(\.clusters, clusters)
        set(\.clustering, clustering)
        set(\.reassign, reassign)
        set(\.sampler, sampler)
        set(\.prototypes, prototypes)
        set(\.epochs, epochs)
        set(\.batch, batch)
        set(\.seed, seed)
        set(\.threads, threads)
        set(\.whiten, whiten)
        set(\.learningRate, learningRate)
        set(\.momentum, momentum)
        set(\.weightDecay, weightDecay)
        set(\.warmUp, warmUp)
        set(\.temperature, temperature)
        set(\.cropScale, cropScale)
        set(\.jitter, jitter)
        set(\.grayscale, grayscale)
        set(\.blur, blur)
        if let network { result.network = network }
        if let minutes { result.minutes = minutes }
        if let maxPictures { result.maxPictures = maxPictures }
        applySmallCrops(to: &result)
        return result
    }

    /// Size and share alone change small crops that are there, and make none.
    private func applySmallCrops(to settings: inout FitSettings) {
        if let smallCrops {
            settings.smallCrops =
                smallCrops == 0
                ? nil
                : SmallCrops(
                    count: smallCrops, largeSize: settings.size, largeLeast: settings.cropScale)
        }
        if let smallSize { settings.smallCrops?.size = smallSize }
        if let smallScale {
            settings.smallCrops?.least = smallScale.lowerBound
            settings.smallCrops?.most = smallScale.upperBound
        }
    }
}
