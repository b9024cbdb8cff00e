public import ArgumentParser
import FloatNetworks
import Pictures
import Report
public import Training

/// Trains a network on a folder of pictures; goes on by itself where it was stopped.
struct Fit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains a network on pictures without labels.",
        discussion: """
            Killed or interrupted and started again with the same --run, training goes on where it \
            was and ends with the same model. What is not given is chosen from the pictures and \
            shown before training begins.
            """)

    @Argument(help: "A folder of pictures, or a text file with one path a line.")
    var images: String

    @Option(
        name: .customLong("run"),
        help: "The folder that keeps the run: settings, log, state, and the model.")
    var folder: String

    @Option(help: "v1 (2018), v2, which works on small sets too, or auto: by their number.")
    var recipe = RecipeChoice.auto

    @Option(
        help: "The backbone: small and resnet18 for any size, alexnet and vgg16 for 224 pixels.")
    var network: Architecture?

    @Option(
        name: .customLong("init"),
        help: "Begin with the network and weights of this float checkpoint.")
    var initial: String?

    @Option(help: "The side of the network's input in pixels.")
    var size: Int?

    @Flag(inversion: .prefixedNo, help: "Edges instead of colours; v1 has it by default.")
    var sobel: Bool?

    @Option(help: "The number of clusters.")
    var clusters: Int?

    @Option(help: "The number of epochs.")
    var epochs: Int?

    @Option(help: "As many epochs as this machine does in so many minutes, measured at the start.")
    var minutes: Double?

    @Option(help: "The number of pictures in a training step.")
    var batch: Int?

    @Option(help: "The seed of every random choice.")
    var seed: UInt64?

    @Option(help: "The number of threads; all processors by default.")
    var threads: Int?

    @Option(help: "Use at most so many pictures, drawn at random.")
    var maxPictures: Int?

    // Unconditional, or the minus would make it an option of its own.
    @Option(
        parsing: .unconditional, help: "Whitening of the embedding: -0.5 in full, 0 not at all.")
    var whiten: Float?

    @Option(help: "How v1 finds clusters: kmeans, or pic, which finds their number too.")
    var clustering: ClusterSearch?

    @Option(help: "How many passes over the pictures v1 makes for each clustering.")
    var reassign: Double?

    @Option(
        help: "How v1 draws pictures: uniform over clusters, or reference, as the released code.")
    var sampler: Sampling?

    @Option(help: "The sizes of v2's prototype sets, as in 100,100,100.")
    var prototypes: CountList?

    @Option(help: "How many small crops of each picture v2 learns from beside two large ones.")
    var smallCrops: Int?

    @Option(help: "The side of the small crops in pixels.")
    var smallSize: Int?

    @Option(
        help: "The least and the largest share of a picture that a small crop takes, as 0.1,0.3.")
    var smallScale: ShareRange?

    @Option(help: "The learning rate; v2's highest.")
    var learningRate: Float?

    @Option(help: "The momentum of SGD.")
    var momentum: Float?

    @Option(help: "The weight decay, on every trainable value.")
    var weightDecay: Float?

    @Option(help: "The share of the steps in which v2's learning rate rises.")
    var warmUp: Float?

    @Option(help: "What v2 divides its logits by.")
    var temperature: Float?

    @Option(help: "The least share of a picture that a random crop takes, 0.01 to 1.")
    var cropScale: Float?

    @Option(help: "How strongly v2 varies colours, 0 to 2; vary what clusters should ignore.")
    var jitter: Float?

    @Option(help: "How often v2 takes a crop's colours away, 0 to 1.")
    var grayscale: Float?

    @Option(help: "How often v2 blurs a crop, 0 to 1.")
    var blur: Float?

    @Option(
        help: """
            At most so many MiB of decoded pictures are kept in memory, and so many of features: \
            PCA is fitted on those that fit, at least 20 for each dimension.
            """)
    var memory = 1024

    @Option(help: "Save the state every so many seconds within an epoch.")
    var checkpointEvery = 120

    @Flag(help: "Print the plan and stop there.")
    var dryRun = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if epochs != nil && minutes != nil {
            throw ValidationError("give --epochs or --minutes, not both")
        }
        if let minutes, !(minutes > 0 && minutes.isFinite) {
            throw ValidationError("--minutes must be above 0")
        }
        if let maxPictures, maxPictures < 2 {
            throw ValidationError("--max-pictures must be at least 2")
        }
        if smallCrops == nil, smallSize != nil || smallScale != nil {
            throw ValidationError("--small-size and --small-scale need --small-crops")
        }
        if let smallCrops, smallCrops < 0 {
            throw ValidationError("--small-crops must not be negative")
        }
        if memory < 0 || checkpointEvery < 1 {
            throw ValidationError("--memory and --checkpoint-every must not be negative or zero")
        }
    }

    func run() throws {
        let progress = FitProgress(TerminalProgress())
        do {
            let session = try FitSession(request, observer: progress)
            progress.show(session.plan, run: folder)
            if dryRun { return try FitResult.printPlan(session.plan, json: json) }
            try session.run()
            try RunReport.conclude(
                run: folder, images: images, threads: session.plan.settings.threads,
                isNew: !session.plan.isFinished, progress: TerminalProgress())
            try FitResult(session).print(json: json)
        } catch is Interruption {
            progress.note("stopped; the same command goes on where it was")
            throw ExitCode(130)
        }
    }

    private var request: FitRequest {
        var request = FitRequest(images: images, run: folder)
        request.recipe = recipe.recipe
        request.network = network
        request.initial = initial
        request.sobel = sobel
        request.size = size
        request.clusters = clusters
        request.clustering = clustering
        request.reassign = reassign
        request.sampler = sampler
        request.prototypes = prototypes?.counts
        request.smallCrops = smallCrops
        request.smallSize = smallSize
        request.smallScale = smallScale?.range
        request.epochs = epochs
        request.minutes = minutes
        request.batch = batch
        request.seed = seed
        request.threads = threads
        request.maxPictures = maxPictures
        request.whiten = whiten
        request.learningRate = learningRate
        request.momentum = momentum
        request.weightDecay = weightDecay
        request.warmUp = warmUp
        request.temperature = temperature
        request.cropScale = cropScale
        request.jitter = jitter
        request.grayscale = grayscale
        request.blur = blur
        request.memory = memory << 20
        request.checkpointEvery = .seconds(checkpointEvery)
        request.isDryRun = dryRun
        return request
    }
}

/// A recipe, or the one that suits the number of pictures.
enum RecipeChoice: String, CaseIterable, ExpressibleByArgument {
    case v1, v2, auto

    /// The recipe, or `nil` for the one that suits.
    var recipe: Recipe? { Recipe(rawValue: rawValue) }
}

extension Architecture: ExpressibleByArgument {}
extension ClusterSearch: ExpressibleByArgument {}
extension Sampling: ExpressibleByArgument {}

/// Whole numbers separated by commas.
struct CountList: ExpressibleByArgument {
    let counts: [Int]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        counts = parts.compactMap { Int($0) }
        guard counts.count == parts.count, counts.allSatisfy({ $0 > 0 }) else { return nil }
    }
}

/// Two shares, the smaller first, separated by a comma.
struct ShareRange: ExpressibleByArgument {
    let range: ClosedRange<Float>

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Float($0) }
        guard numbers.count == 2, parts.count == 2, numbers[0] <= numbers[1] else { return nil }
        range = numbers[0]...numbers[1]
    }
}
