import LinearAlgebra
import Tensors

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

/// How v1 finds the clusters of an epoch.
public enum ClusterSearch: String, Codable, Sendable, CaseIterable {
    /// k-means with as many clusters as asked for.
    case kmeans
    /// Power iteration clustering, which finds the number of clusters too.
    case pic
}

/// How v1 draws the pictures of an epoch.
public enum Sampling: String, Codable, Sendable, CaseIterable {
    /// Every cluster equally often, as the paper says.
    case uniform
    /// As the released code does: large clusters far more often than small ones.
    case reference
}

/// Everything that decides what a run computes: two runs of equal settings on one kind of
/// CPU end with the same bytes.
///
/// The run folder's `config.json` holds these values.
public struct FitSettings: Encodable, Sendable, Equatable {
    /// How pseudo-labels are made and learnt from.
    public var recipe: Recipe
    /// The backbone, or `nil` where it is that of `initial`.
    public var network: Architecture?
    /// The checkpoint to begin with instead of random weights.
    public var initial: InitialModel?
    /// Whether the fixed edge filter comes first.
    public var sobel: Bool
    /// The side of the network's square input, in pixels.
    public var size: Int
    /// The number of clusters of the shipped model, and of v1's k-means.
    public var clusters: Int
    /// How v1 finds an epoch's clusters.
    public var clustering: ClusterSearch
    /// How many passes over the pictures v1 makes from one clustering to the next, which is
    /// what it calls an epoch.
    public var reassign: Double
    /// How v1 draws the pictures of an epoch.
    public var sampler: Sampling
    /// The sizes of v2's prototype sets.
    public var prototypes: [Int]
    /// The small crops that v2 learns from too.
    public var smallCrops: SmallCrops?
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
    /// How many pictures' features the projection is fitted on, where the features of all would
    /// take more memory than allowed; `nil` for all.
    public var projectionPictures: Int?
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
    /// The probability that v2 takes a crop's colours away.
    public var grayscale: Float
    /// The probability that v2 blurs a crop.
    public var blur: Float
    /// The number of pictures that could be read.
    public var pictures: Int
    /// The SHA-256 of the list of pictures.
    public var picturesDigest: String
    /// The CPU and the kernel of OpenBLAS that the run was begun with.
    public var processor: String

    /// Settings with the recipe's own values for all that is not given.
    ///
    /// - Parameters:
    ///   - recipe: How pseudo-labels are made and learnt from.
    ///   - network: The backbone, which random weights are drawn for.
    ///   - initial: The checkpoint to begin with, where there is no `network`.
    ///   - sobel: Whether the fixed edge filter comes first.
    ///   - size: The side of the network's input, in pixels.
    ///   - clusters: The number of clusters.
    ///   - epochs: The number of epochs.
    ///   - pictures: The number of pictures that could be read.
    ///   - picturesDigest: The SHA-256 of their list.
    ///   - seed: The seed of every random choice.
    ///   - threads: The number of threads.
    public init(
        recipe: Recipe, network: Architecture?, initial: InitialModel? = nil, sobel: Bool,
        size: Int, clusters: Int, epochs: Int, pictures: Int, picturesDigest: String,
        seed: UInt64 = standardSeed, threads: Int = 1
    ) {
        precondition((network == nil) != (initial == nil), "one network, from scratch or not")
        self.recipe = recipe
        self.network = network
        self.initial = initial
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
        (clustering, reassign, sampler) = (.kmeans, 1, .uniform)
        switch recipe {
        case .v1:
            // METHOD: the values of the released code.
            (prototypes, batch, learningRate, weightDecay) = ([], 256, 0.05, 1e-5)
            (warmUp, temperature, whiten) = (0, 1, -0.5)
            (cropScale, jitter) = (0.08, 0)
        case .v2:
            let set = Self.prototypeCount(clusters: clusters, pictures: pictures)
            prototypes = [set, set, set]
            (batch, learningRate, weightDecay) = (128, 0.1, 1e-4)
            (warmUp, temperature, whiten) = (0.1, 0.1, 0)
            // Small pictures show little in a small part, and have few colours to vary.
            (cropScale, jitter) = size < 128 ? (0.5, 0.5) : (0.08, 1)
        }
        grayscale = Self.grayscale(recipe)
        blur = Self.blur(recipe, size: size)
        fitBatch()
    }

    /// Makes batches smaller where one of the published size takes too much memory or too many
    /// of the pictures, and the learning rate in proportion, as the published 0.05 for 256
    /// pictures and 4.8 for 4,096 are meant.
    private mutating func fitBatch() {
        let published = batch
        // v1 fits its 256 pictures of AlexNet; v2 has two crops a picture and needs no more.
        let limit = recipe == .v1 ? 4 << 30 : 1 << 30
        let bytes = cropsPerPicture * activationBytes
        while batch > 8, batch * bytes > limit { batch /= 2 }
        if recipe == .v2 { batch = min(batch, max(8, pictures / 8)) }
        learningRate *= Float(batch) / Float(published)
        batch = min(batch, max(2, pictures))
    }

    /// The seed where none is given: that of the released code.
    public static let standardSeed = RandomStream.standardSeed

    static func grayscale(_ recipe: Recipe) -> Float { recipe == .v1 ? 0 : 0.2 }

    /// Blur is for pictures that have detail to lose.
    static func blur(_ recipe: Recipe, size: Int) -> Float {
        recipe == .v1 || size < 128 ? 0 : 0.5
    }

    /// As many prototypes as clusters, but so few that each has some pictures.
    static func prototypeCount(clusters: Int, pictures: Int) -> Int {
        max(2, min(clusters, pictures / 4))
    }
}

// MARK: - Reading

extension FitSettings: Decodable {
    private enum CodingKeys: String, CodingKey {
        case recipe, network, initial, sobel, size, clusters, clustering, reassign, sampler
        case prototypes, smallCrops, epochs, minutes, batch, seed, threads, maxPictures
        case projectionPictures, whiten, learningRate, momentum, weightDecay, warmUp, temperature
        case cropScale, jitter, grayscale, blur, pictures, picturesDigest, processor
    }

    /// Reads settings, also those of a run that was begun when there were fewer of them: what
    /// is absent has the value that such a run works with.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        func value<Value: Decodable>(_ key: CodingKeys) throws -> Value {
            try fields.decode(Value.self, forKey: key)
        }
        func value<Value: Decodable>(_ key: CodingKeys, or absent: Value) throws -> Value {
            try fields.decodeIfPresent(Value.self, forKey: key) ?? absent
        }
        func optional<Value: Decodable>(_ key: CodingKeys) throws -> Value? {
            try fields.decodeIfPresent(Value.self, forKey: key)
        }
        recipe = try value(.recipe)
        network = try optional(.network)
        initial = try optional(.initial)
        guard (network == nil) != (initial == nil) else {
            throw DecodingError.dataCorruptedError(
                forKey: .network, in: fields, debugDescription: "not one network")
        }
        sobel = try value(.sobel)
        size = try value(.size)
        clusters = try value(.clusters)
        clustering = try value(.clustering, or: .kmeans)
        reassign = try value(.reassign, or: 1)
        sampler = try value(.sampler, or: .uniform)
        prototypes = try value(.prototypes)
        smallCrops = try optional(.smallCrops)
        epochs = try value(.epochs)
        minutes = try optional(.minutes)
        batch = try value(.batch)
        seed = try value(.seed)
        threads = try value(.threads)
        maxPictures = try optional(.maxPictures)
        projectionPictures = try optional(.projectionPictures)
        whiten = try value(.whiten)
        learningRate = try value(.learningRate)
        momentum = try value(.momentum)
        weightDecay = try value(.weightDecay)
        warmUp = try value(.warmUp)
        temperature = try value(.temperature)
        cropScale = try value(.cropScale)
        jitter = try value(.jitter)
        grayscale = try value(.grayscale, or: Self.grayscale(recipe))
        blur = try value(.blur, or: Self.blur(recipe, size: size))
        pictures = try value(.pictures)
        picturesDigest = try value(.picturesDigest)
        processor = try value(.processor)
    }
}
