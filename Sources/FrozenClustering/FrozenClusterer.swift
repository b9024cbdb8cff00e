private import Clustering
import FloatNetworks
private import LinearAlgebra
public import Model
public import Pictures
public import Quantization
private import Tensors
import Vocabulary

/// Clusters of pictures by a network that is used as it is.
///
/// *Quantize the backbone on a sample, look at every picture once, project the features, cluster*: a
/// pretrained backbone, or one that `fit` has trained elsewhere, becomes a model of the user's own
/// pictures. Whatever the checkpoint has behind its feature, such as a classifier or other clusters,
/// is replaced. The projection and the clusters are fitted to what the daemon will see, the int8
/// network's features; the float network sees the sample only.
///
/// By default the projection only rotates: whitening features of a pretrained network blows up
/// directions that say little and makes the clusters worse.
public struct FrozenClusterer: Sendable {
    /// The number of clusters; one that fits the number of pictures unless given.
    public var clusters: Int?
    /// The most dimensions of an embedding, at most `largestDimension`.
    public var dimensions = largestDimension
    /// The exponent on the eigenvalues of the projection: 0 rotates, −0.5 whitens in full.
    public var whiten: Float = 0
    /// Decides which embeddings are the first centroids.
    public var seed = RandomStream.standardSeed
    /// Pictures whose embeddings are the first centroids instead, one a cluster and in the order
    /// of the clusters, by the paths that the source tells.
    public var examples: [String]?
    /// The number of threads; every processor unless given.
    public var threads: Int?
    /// How embeddings become clusters.
    public var method = Method.kMeans
    /// How the backbone is quantized before it sees all pictures; nil keeps everything in float.
    public var quantizing: Quantizing? = Quantizing()

    /// Ways to clusters; whichever it is, a picture then belongs to the nearest centroid.
    public enum Method: String, Sendable, CaseIterable {
        /// k-means.
        case kMeans = "k-means"
        /// Normalized spectral clustering of the graph of nearest neighbours, whose clusters'
        /// means are the centroids.
        case graph
    }

    /// How a backbone becomes an int8 one.
    public struct Quantizing: Sendable {
        /// The number of pictures to calibrate with, drawn evenly from all.
        public var pictures = 128
        /// 8, or 7 for weights within ±63, on which no AVX2 instruction saturates.
        public var weightBits = 8
        /// On how many of them float and int8 are compared at the end.
        var comparedPictures = 64

        /// The standard way.
        public init() {}
    }

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
    ///   - known: The float network's features of these pictures, where they are known; only where
    ///     `quantizing` is nil.
    ///   - observer: Who hears of the progress, and may stop the work.
    /// - Returns: The model with the clusters of these pictures, and what is in them.
    /// - Throws: `FloatNetworkError`, `VocabularyError`, `ClusteringError` or `QuantizationError`, each a sentence for the
    ///   user; `Interruption` where the observer stopped it.
    public func run(
        on source: any PictureSource, model: Checkpoint, features known: FrozenFeatures? = nil,
        observer: any ProgressObserver
    ) throws -> FrozenClusters {
        precondition(known == nil || quantizing == nil, "float features for an int8 network")
        try check(source)
        // The int8 engine takes no more.
        let threads = min(threads ?? ThreadTeam.available, 256)
        BLAS.setThreads(threads)
        var backbone = try FrozenBackbone(model, threads: threads)
        backbone.checkpoint.provenance = Provenance(
            recipe: Self.recipe(of: model), seed: seed, epochs: 0, pictures: 0,
            picturesDigest: source.digest, source: model.provenance.source)
        guard let quantizing else {
            let seen =
                try known.map { try backbone.recall($0, of: source) }
                ?? backbone.features(of: source, observer)
            return try clusters(in: seen, of: source, by: backbone, observer)
        }
        return try clusters(of: source, by: backbone, quantizing, threads: threads, observer)
    }

    /// *Features in float, PCA, k-means*: a float model.
    private func clusters(
        in seen: FrozenBackbone.Seen<Float>, of source: any PictureSource,
        by backbone: FrozenBackbone, _ observer: any ProgressObserver
    ) throws -> FrozenClusters {
        let names = try names(of: seen.pictures, in: source)
        let (pca, projected, embeddings, found) = try observer.clustering {
            let (pca, projected) = try projection(
                of: seen.rows, by: backbone, pictures: names.count)
            let embeddings = normalizeRows(pca.apply(to: seen.rows))
            return (pca, projected, embeddings, try centroids(of: embeddings, names))
        }
        return FrozenClusters(
            ShippedModel.clustered(projected, by: pca, found.centroids), drift: nil, found,
            of: embeddings, names: names, skipped: seen.skipped)
    }

    /// *Quantize the backbone on a sample, features by the int8 engine, PCA, k-means on what the
    /// engine makes of them*: an int8 model.
    private func clusters(
        of source: any PictureSource, by backbone: FrozenBackbone, _ quantizing: Quantizing,
        threads: Int, _ observer: any ProgressObserver
    ) throws -> FrozenClusters {
        let sample = try CalibrationViews(
            of: source, count: quantizing.pictures, for: backbone.checkpoint.input,
            threads: threads, observer: observer)
        let quantized = try observer.quantizing { progress in
            try QuantizedBackbone(
                backbone.checkpoint, calibration: sample.pixels, weightBits: quantizing.weightBits,
                threads: threads, progress: progress)
        }
        let seen = try backbone.projectionInputs(of: source, by: quantized, observer)
        let names = try names(of: seen.pictures, in: source)
        let (pca, projected, embedding, found) = try observer.clustering {
            let (pca, projected) = try projection(
                of: quantized.features(of: seen.rows), by: backbone, pictures: names.count)
            let embedding = try quantized.projecting(projected, inputs: seen.rows)
            return (pca, projected, embedding, try centroids(of: embedding.embeddings, names))
        }
        let float = ShippedModel.clustered(projected, by: pca, found.centroids)
        let int8 = try embedding.checkpoint(clusteredAs: float)
        let drift = try observer.quantizing { progress in
            var meter = try DriftMeter(float, int8, seesLayers: false, threads: threads)
            let views = sample.pixels.rows(
                at: 0..<min(sample.pixels.shape[0], quantizing.comparedPictures))
            progress(.comparing, 0, views.shape[0])
            try meter.add(views) { progress(.comparing, $0, views.shape[0]) }
            return meter.report
        }
        return FrozenClusters(
            int8, drift: drift, found, of: embedding.embeddings, names: names,
            skipped: seen.skipped)
    }

    /// The paths of the pictures that could be read.
    private func names(
        of pictures: [Int], in source: any PictureSource
    ) throws(VocabularyError) -> [String] {
        guard pictures.count > 1 else {
            throw .tooFewPictures(found: pictures.count, needed: 2)
        }
        try checkCount(clusterCount(pictures: pictures.count), pictures: pictures.count)
        return pictures.map { source.path(of: $0) }
    }

    private func clusterCount(pictures: Int) -> Int {
        clusters ?? examples?.count ?? ShippedModel.clusters(for: pictures)
    }

    /// The projection of features, and the backbone's checkpoint with it.
    private func projection(
        of features: Tensor<Float>, by backbone: FrozenBackbone, pictures: Int
    ) throws -> (PCA, Checkpoint) {
        let pca = try PCA(
            fitting: features, components: dimensions, whiteningExponent: whiten)
        var checkpoint = backbone.checkpoint
        checkpoint.provenance.pictures = pictures
        return (pca, ShippedModel.projected(checkpoint, by: pca))
    }

    private func centroids(
        of embeddings: Tensor<Float>, _ names: [String]
    ) throws -> FrozenClusters.Centroids {
        let clusters = clusterCount(pictures: names.count)
        if method == .graph {
            let found = try SpectralClustering(
                clusters: clusters, seed: UInt32(truncatingIfNeeded: seed),
                iterations: Self.iterations
            ).fit(embeddings)
            return FrozenClusters.Centroids(
                centroids: found.centroids, assignments: found.nearest)
        }
        let found = try ShippedModel.clusters(
            of: embeddings,
            ShippedModel.Settings(
                clusters: clusters, seed: seed, iterations: Self.iterations,
                firstRows: try examples.map { try Self.rows(of: $0, in: names) }))
        return FrozenClusters.Centroids(
            centroids: found.centroids, assignments: found.assignments)
    }

    private static func recipe(of model: Checkpoint) -> String {
        let (recipe, prefix) = (model.provenance.recipe, "frozen ")
        return recipe.hasPrefix(prefix) ? recipe : prefix + recipe
    }
}

// MARK: - What is refused

extension FrozenClusterer {
    // Files that cannot be read only make the pictures fewer, so this is told before the work.
    private func check(_ source: any PictureSource) throws(VocabularyError) {
        if let clusters = clusters ?? examples?.count {
            try checkCount(clusters, pictures: source.count)
        }
        guard source.count > 1 else { throw .tooFewPictures(found: source.count, needed: 2) }
        if let clusters, let examples, clusters != examples.count {
            throw .invalidSetting(
                name: "--clusters", value: "\(clusters)",
                remedy: "there are \(examples.count) examples, one for each cluster")
        }
        guard method == .kMeans || examples == nil else {
            throw .invalidSetting(
                name: "--examples", value: "with --method \(method.rawValue)",
                remedy: "examples are where k-means begins: leave one of the two out")
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

    private func checkCount(_ clusters: Int, pictures: Int) throws(VocabularyError) {
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
    ) throws(VocabularyError) -> [Int] {
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

// MARK: - Progress

extension ProgressObserver {
    /// Runs a part of the clustering.
    fileprivate func clustering<Result>(_ body: () throws -> Result) rethrows -> Result {
        begin(.clustering, epoch: nil, total: 0, done: 0)
        defer { end(.clustering) }
        return try body()
    }

    /// Runs something that quantizes, and shows its phases.
    fileprivate func quantizing<Result>(
        _ body: (@escaping Quantizer.Progress) throws -> Result
    ) rethrows -> Result {
        var current: ProgressPhase?
        defer { if let current { end(current) } }
        return try body { phase, done, total in
            guard done == 0 else { return self.advance(to: done) }
            if let current { self.end(current) }
            let next = ProgressPhase(phase)
            current = next
            self.begin(next, epoch: nil, total: total, done: 0)
        }
    }
}

extension ProgressPhase {
    /// What the quantizer is busy with.
    public init(_ phase: Quantizer.Phase) {
        self =
            switch phase {
            case .calibrating: .calibrating
            case .rounding: .rounding
            case .correcting: .correcting
            case .comparing: .comparing
            }
    }
}
