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
    /// The number of threads; every processor unless given.
    public var threads: Int?

    /// The most dimensions that an embedding can have.
    public static let largestDimension = ShippedModel.dimension
    /// Pictures that are decoded and run together.
    private static let batch = 32

    /// A clustering with all choices open.
    public init() {}

    /// Clusters pictures.
    ///
    /// - Parameters:
    ///   - source: The pictures. Those that cannot be read are left out and listed.
    ///   - model: A float checkpoint; its input says how pictures are cut, and its licence goes
    ///     on to the result.
    ///   - observer: Who hears of the progress, and may stop the work.
    /// - Returns: The model with the clusters of these pictures, and what is in them.
    /// - Throws: `TrainingError` or `ClusteringError`, each a sentence for the user;
    ///   `FitInterruption` where the observer stopped it.
    public func run(
        on source: any PictureSource, model: Checkpoint, observer: any FitObserver
    ) throws -> FrozenClusters {
        try check(source)
        let threads = threads ?? ThreadTeam.available
        BLAS.setThreads(threads)
        var backbone = try Self.backbone(of: model)
        let seen = try features(of: source, by: backbone, threads: threads, observer)
        let count = seen.pictures.count
        guard count > 1 else { throw TrainingError.tooFewPictures(found: count, needed: 2) }
        let clusters = clusters ?? FitPlanner.clusters(for: count)
        try checkCount(clusters, pictures: count)

        backbone.provenance = Provenance(
            recipe: Self.recipe(of: model), seed: seed, epochs: 0, pictures: count,
            picturesDigest: source.digest, source: model.provenance.source)
        observer.begin(.clustering, epoch: nil, total: 0)
        defer { observer.end(.clustering) }
        let shipped = try ShippedModel(
            backbone, features: seen.features,
            settings: ShippedModel.Settings(
                clusters: clusters, dimensions: dimensions, whiten: whiten, seed: seed))
        return FrozenClusters(
            shipped, names: seen.pictures.map { source.path(of: $0) }, skipped: seen.skipped)
    }

    // Files that cannot be read only make the pictures fewer, so this is told before the work.
    private func check(_ source: any PictureSource) throws(TrainingError) {
        if let clusters { try checkCount(clusters, pictures: source.count) }
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
}

// MARK: - The backbone

extension FrozenClustering {
    /// The checkpoint cut off behind its feature, with the tensors that are left.
    private static func backbone(of model: Checkpoint) throws -> Checkpoint {
        guard model.precision == .float32 else {
            throw TrainingError.invalidNetwork(
                reason: "its weights are \(model.precision.rawValue): give the float32 checkpoint "
                    + "that it was made from")
        }
        var backbone = model
        backbone.clustering = nil
        backbone.network = model.network.upToFeature
        for name in ["projection", "normalize", "centroids"]
        where backbone.network.layer(name) != nil {
            throw TrainingError.invalidNetwork(
                reason: "layer '\(name)' of its backbone has the name of a layer that clustering "
                    + "adds")
        }
        let shapes = try FloatNetwork.shapes(of: backbone.network, model.inputShape)
        let names = FloatNetwork.specifications(of: backbone.network, shapes: shapes).map(\.name)
        backbone.tensors = model.tensors.filter { names.contains($0.key) }
        return backbone
    }

    private static func recipe(of model: Checkpoint) -> String {
        let (recipe, prefix) = (model.provenance.recipe, "frozen ")
        return recipe.hasPrefix(prefix) ? recipe : prefix + recipe
    }
}

extension Network {
    /// The layers that the feature is computed from, itself the last.
    fileprivate var upToFeature: Network {
        var needed: Set<String> = [feature]
        var kept: [Layer] = []
        for layer in layers.reversed() where needed.contains(layer.name) {
            needed.formUnion(layer.inputs)
            kept.append(layer)
        }
        return Network(layers: kept.reversed(), feature: feature)
    }
}

// MARK: - Features

extension FrozenClustering {
    /// What one pass over the pictures gives.
    private struct Seen {
        /// `[n, d]`.
        let features: Tensor<Float>
        /// The numbers of the n pictures in the source.
        let pictures: [Int]
        let skipped: [SkippedFile]
    }

    private func features(
        of source: any PictureSource, by backbone: Checkpoint, threads: Int,
        _ observer: any FitObserver
    ) throws -> Seen {
        let input = backbone.input
        let network = try FloatNetwork(
            network: backbone.network, inputShape: backbone.inputShape,
            tensors: backbone.tensors.compactMapValues(\.floats), threads: threads)
        let table = input.normalizationTable()
        var (values, pictures, skipped): ([Float], [Int], [SkippedFile]) = ([], [], [])
        let batches = CenterViewBatch.all(
            of: source, for: input, size: Self.batch, threads: threads)
        observer.begin(.features, epoch: nil, total: source.count)
        defer { observer.end(.features) }
        while let batch = batches.next() {
            if !batch.pictures.isEmpty {
                let views = Tensor(
                    batch.pixels.indices.map { table[$0 % 3 * 256 + Int(batch.pixels[$0])] },
                    shape: [batch.pictures.count, input.height, input.width, 3])
                values += network.evaluate(views).output.elements
            }
            pictures += batch.pictures
            skipped += batch.skipped
            observer.advance(to: pictures.count + skipped.count)
            if observer.shouldStop { throw FitInterruption() }
        }
        guard !pictures.isEmpty else {
            throw TrainingError.noReadablePicture(images: source.place, tried: source.count)
        }
        return Seen(
            features: Tensor(values, shape: [pictures.count, values.count / pictures.count]),
            pictures: pictures, skipped: skipped)
    }
}

extension WeightTensor {
    fileprivate var floats: Tensor<Float>? {
        if case .float32(let values) = self { values } else { nil }
    }
}
