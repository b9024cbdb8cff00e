private import Clustering
private import LinearAlgebra
public import Model
private import Tensors

/// Clusters of pictures by a network that is used as it is.
///
/// *Look at every picture once, project the features, cluster*: a pretrained backbone, or one
/// that `fit` has trained elsewhere, becomes a model of the user's own pictures. Whatever the
/// checkpoint has behind its feature, such as a classifier or other clusters, is replaced.
///
/// By default the projection only rotates: whitening features of a pretrained network blows up
/// directions that say little and makes the clusters worse.
public struct FrozenClustering: Sendable {
    /// The number of clusters; one that fits the number of pictures unless given.
    public var clusters: Int?
    /// The most dimensions of an embedding, at most `largestDimension`.
    public var dimensions = largestDimension
    /// The exponent on the eigenvalues of the projection: 0 rotates, −0.5 whitens in full.
    public var whiten: Float = 0
    /// Decides which embeddings are the first centroids.
    public var seed = FitSettings.standardSeed
    /// Pictures whose embeddings are the first centroids instead, one a cluster and in the order
    /// of the clusters, by the paths that the source tells.
    public var examples: [String]?
    /// The number of threads; every processor unless given.
    public var threads: Int?

    /// The most dimensions that an embedding can have.
    public static let largestDimension = ShippedModel.dimension
    /// The most updates of k-means.
    ///
    /// Training needs rough clusters often and stops at 20; these are made once, so they may
    /// take as many as it takes until nothing changes.
    private static let iterations = 100

    /// A clustering with all choices open.
    public init() {}

    /// Clusters pictures.
    ///
    /// - Parameters:
    ///   - source: The pictures. Those that cannot be read are left out and listed.
    ///   - model: A float checkpoint; its input says how pictures are cut, and its licence goes
    ///     on to the result.
    ///   - known: The model's features of these pictures, where they are known.
    ///   - observer: Who hears of the progress, and may stop the work.
    /// - Returns: The model with the clusters of these pictures, and what is in them.
    /// - Throws: `TrainingError` or `ClusteringError`, each a sentence for the user;
    ///   `FitInterruption` where the observer stopped it.
    public func run(
        on source: any PictureSource, model: Checkpoint, features known: FrozenFeatures? = nil,
        observer: any FitObserver
    ) throws -> FrozenClusters {
        try check(source)
        let threads = threads ?? ThreadTeam.available
        BLAS.setThreads(threads)
        let backbone = try FrozenBackbone(model, threads: threads)
        let seen =
            try known.map { try backbone.recall($0, of: source) }
            ?? backbone.look(at: source, observer)
        let names = seen.pictures.map { source.path(of: $0) }
        guard names.count > 1 else {
            throw TrainingError.tooFewPictures(found: names.count, needed: 2)
        }
        let clusters = clusters ?? examples?.count ?? FitPlanner.clusters(for: names.count)
        try checkCount(clusters, pictures: names.count)
        let firstRows = try examples.map { try Self.rows(of: $0, in: names) }

        var shipped = backbone.checkpoint
        shipped.provenance = Provenance(
            recipe: Self.recipe(of: model), seed: seed, epochs: 0, pictures: names.count,
            picturesDigest: source.digest, source: model.provenance.source)
        observer.begin(.clustering, epoch: nil, total: 0, done: 0)
        defer { observer.end(.clustering) }
        let projected = try ProjectedFeatures(
            fitting: seen.features, dimensions: dimensions, exponent: whiten)
        return FrozenClusters(
            try ShippedModel(
                shipped, projected: projected,
                settings: ShippedModel.Settings(
                    clusters: clusters, seed: seed, iterations: Self.iterations,
                    firstRows: firstRows)),
            names: names, skipped: seen.skipped)
    }

    private static func recipe(of model: Checkpoint) -> String {
        let (recipe, prefix) = (model.provenance.recipe, "frozen ")
        return recipe.hasPrefix(prefix) ? recipe : prefix + recipe
    }
}

// MARK: - What is refused

extension FrozenClustering {
    // Files that cannot be read only make the pictures fewer, so this is told before the work.
    private func check(_ source: any PictureSource) throws(TrainingError) {
        if let clusters = clusters ?? examples?.count {
            try checkCount(clusters, pictures: source.count)
        }
        if let clusters, let examples, clusters != examples.count {
            throw .invalidSetting(
                name: "--clusters", value: "\(clusters)",
                remedy: "there are \(examples.count) examples, one for each cluster")
        }
        guard (1...Self.largestDimension).contains(dimensions) else {
            throw .invalidSetting(
                name: "--dimensions", value: "\(dimensions)",
                remedy: "give 1 to \(Self.largestDimension)")
        }
        guard (-1...0).contains(whiten) else {
            throw .invalidSetting(name: "--whiten", value: "\(whiten)", remedy: "give -1 to 0")
        }
    }

    private func checkCount(_ clusters: Int, pictures: Int) throws(TrainingError) {
        guard clusters > 0 else {
            throw .invalidSetting(
                name: "--clusters", value: "\(clusters)", remedy: "give 1 or more")
        }
        guard clusters <= pictures else {
            throw .fewerPicturesThanClusters(pictures: pictures, clusters: clusters)
        }
    }

    /// The row of each example; two of the same picture would be one cluster.
    private static func rows(
        of examples: [String], in names: [String]
    ) throws(TrainingError) -> [Int] {
        let rows = Dictionary(zip(names, names.indices)) { first, _ in first }
        var found: [Int] = []
        for example in examples {
            guard let row = rows[example] else {
                throw .invalidSetting(
                    name: "--examples", value: "'\(example)'",
                    remedy: "it is none of the readable pictures")
            }
            guard !found.contains(row) else {
                throw .invalidSetting(
                    name: "--examples", value: "'\(example)'", remedy: "it is there twice")
            }
            found.append(row)
        }
        return found
    }
}
