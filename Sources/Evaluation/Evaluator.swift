import Clustering
import LinearAlgebra
import Model
import Tensors

/// What to judge, and on which pictures.
public struct EvaluationRequest: Sendable {
    /// The checkpoints' files, float and int8.
    public var checkpoints: [String]
    /// The folder whose pictures are judged; sub-folders are labels.
    public var test: String
    /// The folder whose pictures vote; `nil` lets those of `test` vote for one another.
    public var train: String?
    /// The numbers of clusters to fit; by default 100 and 10, as far as there are pictures.
    public var clusters: [Int]?
    /// Whether the networks are judged as they were before training, too.
    public var includesUntrained = false
    /// The number of neighbours that vote.
    public var neighbours = 20
    /// Whether layers and embeddings are probed.
    public var probes = false
    /// The layers to probe, or their convolutions; by default all, and of more than 8 the last
    /// of each size.
    public var probedLayers: [String]?
    /// The passes of a probe over the pictures that it learns from.
    public var probeEpochs = 90
    /// At most how many bytes of features are kept at once for probes.
    public var probeMemory = 2 << 30
    /// The number of threads.
    public var threads = 1

    /// A request with the customary numbers.
    public init(checkpoints: [String], test: String, train: String? = nil) {
        (self.checkpoints, self.test, self.train) = (checkpoints, test, train)
    }
}

/// What an evaluation is busy with.
public enum EvaluationStep: Equatable, Sendable {
    /// Embedding the pictures of a folder, counted in files.
    case embedding(place: String)
    /// Probing a model, counted in layers.
    case probing(checkpoint: String, weights: ModelFigures.Weights)
}

/// Judges models by the labels of pictures that were never used in training.
///
/// On the embeddings of the test pictures: the share whose label the nearest training pictures
/// find (cosine, 20 neighbours, votes weighted exp(s / 0.07)); k-means fitted on them, the mean
/// of three seeds; beside it the assignment to the clusters that the model ships; and, where
/// asked for, linear probes of the layers and the embedding.
public struct Evaluator {
    /// The number of pictures that are decoded and embedded together.
    static let batch = 64

    let request: EvaluationRequest
    private let models: [JudgedModel]
    private let test: LabelledPictures
    private let train: LabelledPictures?

    /// Opens the checkpoints and lists the pictures.
    ///
    /// - Parameter request: What to judge. Its number of threads becomes the process's for
    ///   matrix products.
    /// - Throws: `EvaluationError`, `CheckpointError` or `ImagingError`, each a sentence.
    public init(_ request: EvaluationRequest) throws {
        for (name, value) in [
            ("the number of neighbours", request.neighbours), ("threads", request.threads),
            ("the number of epochs", request.probeEpochs),
        ] + (request.clusters ?? []).map({ ("the number of clusters", $0) })
        where value < 1 {
            throw EvaluationError.wrongSetting(name: name, value: value)
        }
        self.request = request
        BLAS.setThreads(request.threads)
        test = try LabelledPictures(at: request.test)
        train = try request.train.map { try LabelledPictures(at: $0) }
        if let train, Set(train.entries.map(\.label)).isDisjoint(with: test.entries.map(\.label)) {
            throw EvaluationError.noSharedLabel(train: train.place, test: test.place)
        }
        // Files that are no pictures can only make them fewer: told before the work is done.
        _ = try Self.clusterCounts(request, pictures: test.entries.count)
        models = try JudgedModel.all(
            request.checkpoints, includingUntrained: request.includesUntrained,
            threads: request.threads)
        if request.probes {
            // A mistyped layer is told before the work is done.
            for model in models { _ = try probedLayers(of: model) }
        }
    }

    /// Embeds the pictures with every model and works the figures out.
    ///
    /// - Parameter progress: Told what is under way, how much of it is done, and of how much.
    /// - Returns: The figures of all models.
    /// - Throws: `EvaluationError` for pictures that cannot be judged.
    public func run(
        progress: (_ step: EvaluationStep, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) throws -> EvaluationReport {
        let voters = try train.map { try EmbeddedPictures($0, by: models, progress) }
        let judged = try EmbeddedPictures(test, by: models, progress)
        if voters == nil, judged.readable.count < 2 {
            throw EvaluationError.onePicture(place: judged.pictures.place)
        }
        let counts = try Self.clusterCounts(request, pictures: judged.readable.count)
        let split = request.probes ? try ProbeSplit(train: voters, test: judged) : nil
        let rows = try models.indices.map { index in
            var queries = judged.embeddings[index]
            var references = voters?.embeddings[index]
            try models[index].finish(&queries, &references)
            queries.vectors = normalizeRows(queries.vectors)
            if let found = references?.vectors { references?.vectors = normalizeRows(found) }
            let probes = try split.map {
                try self.probes(of: models[index], queries, references, $0, progress)
            }
            return try figures(
                of: models[index], queries, judged.labels, references, voters?.labels, counts,
                probes)
        }
        return EvaluationReport(
            train: voters?.summary, test: judged.summary, neighbours: request.neighbours,
            seeds: ClusterFigures.seeds, probed: split?.summary(epochs: request.probeEpochs),
            models: rows)
    }

    /// The numbers of clusters to fit on so many pictures.
    private static func clusterCounts(
        _ request: EvaluationRequest, pictures: Int
    ) throws -> [Int] {
        guard let asked = request.clusters else { return [100, 10].filter { $0 <= pictures } }
        if let tooMany = asked.first(where: { $0 > pictures }) {
            throw EvaluationError.fewerPicturesThanClusters(
                place: request.test, pictures: pictures, clusters: tooMany)
        }
        return asked
    }

    private func figures(
        of model: JudgedModel, _ queries: Embeddings, _ queryLabels: [String],
        _ references: Embeddings?, _ referenceLabels: [String]?, _ clusters: [Int],
        _ probes: [LayerFigures]?
    ) throws -> ModelFigures {
        let numbers = LabelNumbers(queryLabels + (referenceLabels ?? []))
        let labels = queryLabels.map { numbers[$0] }
        var vote = NeighbourVote()
        vote.neighbours = request.neighbours
        let accuracy =
            if let references, let referenceLabels {
                vote.accuracy(
                    of: queries.vectors, labels: labels, against: references.vectors,
                    labels: referenceLabels.map { numbers[$0] })
            } else {
                vote.accuracyLeavingOneOut(of: queries.vectors, labels: labels)
            }
        return ModelFigures(
            checkpoint: model.checkpoint, weights: model.weights,
            dimension: queries.vectors.shape[1], neighbourAccuracy: accuracy,
            fitted: try clusters.map {
                try ClusterFigures(fittedOn: queries.vectors, clusters: $0, labels: labels)
            },
            shipped: queries.clusters.map {
                ClusterFigures(of: $0, clusters: model.clusters ?? 0, labels: labels)
            },
            probes: probes)
    }
}

/// The numbers that stand for labels, in the order of their names.
struct LabelNumbers {
    private let numbers: [String: Int]

    init(_ labels: [String]) {
        let names = Set(labels).sorted()
        numbers = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    }

    /// The number of labels.
    var count: Int { numbers.count }

    /// The number of a label that was among those given.
    subscript(_ label: String) -> Int { numbers[label]! }
}
