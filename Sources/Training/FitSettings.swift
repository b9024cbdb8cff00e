private import Foundation
public import Model

/// How pseudo-labels are made and learnt from.
public enum Recipe: String, Codable, Sendable, CaseIterable {
    /// DeepCluster as published in 2018: a feature pass, PCA-whitening, k-means and a new
    /// classifier each epoch. Meant for hundreds of thousands of pictures and more.
    case v1
    /// DeepCluster-v2: the centroids of a memory bank are the classifier, so nothing learnt is
    /// thrown away between epochs. Works on small sets too.
    case v2

    /// The name as a checkpoint's provenance tells it.
    public var fullName: String { "deepcluster-\(rawValue)" }
}

/// The backbones that can be trained from scratch.
public enum Architecture: String, Codable, Sendable, CaseIterable {
    /// Four 3×3 convolutions, for pictures of 28 to 96 pixels.
    case small
    /// The AlexNet variant of DeepCluster, for 224 pixels.
    case alexnet

    /// The network without a head.
    ///
    /// - Parameter sobel: Whether the fixed edge filter comes first.
    /// - Returns: The graph, which ends at its feature.
    public func network(sobel: Bool) -> Network {
        switch self {
        case .small: .smallConvNet(sobel: sobel)
        case .alexnet: .alexNet(sobel: sobel)
        }
    }
}

/// Everything that decides what a run computes: two runs of equal settings on one kind of
/// CPU end with the same bytes.
///
/// The run folder's `config.json` holds these values.
public struct FitSettings: Codable, Sendable, Equatable {
    /// How pseudo-labels are made and learnt from.
    public var recipe: Recipe
    /// The backbone.
    public var network: Architecture
    /// Whether the fixed edge filter comes first.
    public var sobel: Bool
    /// The side of the network's square input, in pixels.
    public var size: Int
    /// The number of clusters of the shipped model, and of v1's pseudo-labels.
    public var clusters: Int
    /// The sizes of v2's prototype sets.
    public var prototypes: [Int]
    /// The number of epochs.
    public var epochs: Int
    /// The training time that `epochs` was chosen for, in minutes, where it was.
    public var minutes: Double?
    /// The number of pictures in a training step.
    public var batch: Int
    /// The seed of every random choice.
    public var seed: UInt64
    /// The number of threads.
    public var threads: Int
    /// At most how many pictures are used, drawn at random.
    public var maxPictures: Int?
    /// The exponent on the eigenvalues of the shipped projection.
    public var whiten: Float
    /// The learning rate, for v2 the highest.
    public var learningRate: Float
    /// The momentum of the backbone's SGD.
    public var momentum: Float
    /// The weight decay, on every trainable value.
    public var weightDecay: Float
    /// The share of the steps in which v2's learning rate rises to its highest.
    public var warmUp: Float
    /// What v2 divides its logits by.
    public var temperature: Float
    /// The least share of a picture's area that a random crop takes.
    public var cropScale: Float
    /// How strongly v2 varies colours, as a share of SimCLR's 0.8, 0.8, 0.8 and 0.2.
    public var jitter: Float
    /// The number of pictures that could be read.
    public var pictures: Int
    /// The SHA-256 of the list of pictures.
    public var picturesDigest: String
    /// The CPU the run was begun on.
    public var processor: String

    /// Settings with the recipe's own values for all that is not given.
    public init(
        recipe: Recipe, network: Architecture, sobel: Bool, size: Int, clusters: Int, epochs: Int,
        pictures: Int, picturesDigest: String, seed: UInt64 = standardSeed, threads: Int = 1
    ) {
        self.recipe = recipe
        self.network = network
        self.sobel = sobel
        self.size = size
        self.clusters = clusters
        self.epochs = epochs
        self.pictures = pictures
        self.picturesDigest = picturesDigest
        self.seed = seed
        self.threads = threads
        processor = Processor.name
        momentum = 0.9
        switch recipe {
        case .v1:
            // METHOD: the values of the released code.
            (prototypes, batch, learningRate, weightDecay) = ([], 256, 0.05, 1e-5)
            (warmUp, temperature, whiten) = (0, 1, -0.5)
            (cropScale, jitter) = (0.08, 0)
        case .v2:
            let set = Self.prototypeCount(clusters: clusters, pictures: pictures)
            prototypes = [set, set, set]
            // Two crops a picture; AlexNet's activations take 10 MB for each.
            batch = min(network == .alexnet ? 32 : 128, max(8, pictures / 8))
            // Proportional to the batch, as the published 4.8 for 4,096 pictures is.
            (learningRate, weightDecay) = (0.1 * Float(batch) / 128, 1e-4)
            (warmUp, temperature, whiten) = (0.1, 0.1, 0)
            // Small pictures show little in a small part, and have few colours to vary.
            (cropScale, jitter) = size < 128 ? (0.5, 0.5) : (0.08, 1)
        }
        batch = min(batch, max(2, pictures))
    }

    /// The seed where none is given: that of the released code.
    public static let standardSeed: UInt64 = 31

    /// As many prototypes as clusters, but so few that each has some pictures.
    static func prototypeCount(clusters: Int, pictures: Int) -> Int {
        max(2, min(clusters, pictures / 4))
    }

    /// How a picture becomes the network's input.
    ///
    /// JPEG files are decoded at no less than twice the size needed, which is several times
    /// quicker for photographs and nearly the same picture.
    public var input: InputSpecification {
        var input = InputSpecification.square(size)
        input.decode = .dct
        return input
    }

    /// Throws where a setting cannot work.
    public func validate() throws(TrainingError) {
        guard pictures >= 2 else { throw .tooFewPictures(found: pictures, needed: 2) }
        guard pictures >= clusters else {
            throw .fewerPicturesThanClusters(pictures: pictures, clusters: clusters)
        }
        try check("--clusters", clusters, in: 2...1_000_000)
        try check("--epochs", epochs, in: 0...100_000)
        try check("--batch", batch, in: 2...65_536)
        try check("--threads", threads, in: 1...1024)
        try check("--size", size, in: network == .alexnet ? 63...1024 : 8...1024)
        for set in prototypes { try check("--prototypes", set, in: 2...pictures) }
        if recipe == .v2 { try check("the number of prototype sets", prototypes.count, in: 1...64) }
        try check("--learning-rate", learningRate, in: 1e-9...100)
        try check("--whiten", whiten, in: -1...0)
        try check("--crop-scale", cropScale, in: 0.01...1)
        try check("--jitter", jitter, in: 0...2)
    }

    private func check<Value: Comparable>(
        _ name: String, _ value: Value, in range: ClosedRange<Value>
    ) throws(TrainingError) {
        guard range.contains(value) else {
            throw .invalidSetting(
                name: name, value: "\(value)",
                remedy: "give \(range.lowerBound) to \(range.upperBound)")
        }
    }
}

// MARK: - Comparing

extension FitSettings {
    /// The settings by name, as `config.json` has them.
    private var named: [(name: String, value: String)] {
        Mirror(reflecting: self).children.map { child in
            let value = Mirror(reflecting: child.value)
            guard value.displayStyle == .optional else {
                return (child.label ?? "", "\(child.value)")
            }
            return (child.label ?? "", value.children.first.map { "\($0.value)" } ?? "none")
        }
    }

    /// What differs from the settings a run was begun with, apart from the thread count and
    /// the CPU, with which a run may go on: `clusters 100, not 50`.
    func differences(from begun: FitSettings) -> [String] {
        zip(named, begun.named).compactMap { now, before in
            let mayChange = ["threads", "processor"].contains(now.name)
            return mayChange || now.value == before.value
                ? nil : "\(now.name) \(before.value), not \(now.value)"
        }
    }
}

/// The kind of CPU this program runs on.
enum Processor {
    /// The model's name as Linux tells it.
    static let name: String = {
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = lines.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = model?.split(separator: ":", maxSplits: 1).last.map { String($0) }
        return name?.trimmingCharacters(in: .whitespaces) ?? "unknown"
    }()
}
