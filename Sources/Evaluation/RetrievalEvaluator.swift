import Clustering
import Files
import LinearAlgebra
import Tensors

/// How well some models retrieve pictures.
public struct RetrievalReport: Codable, Equatable, Sendable {
    /// The file that tells which pictures show the same.
    public let groundTruth: String
    /// The readable pictures in it.
    public let pictures: Int
    /// Its files that are no readable pictures.
    public let skipped: [SkippedPicture]
    /// The models, in the order of the table.
    public let models: [Row]

    /// The figures of one model.
    public struct Row: Codable, Equatable, Sendable {
        /// The checkpoint's file.
        public let checkpoint: String
        /// Its weights.
        public let weights: ModelFigures.Weights
        /// The dimension of an embedding.
        public let dimension: Int
        /// The searches, edits first.
        public let searches: [RetrievalFigures]
    }
}

/// Judges models by whether pictures of the same thing find one another.
public struct RetrievalEvaluator {
    private let truth: RetrievalTruth
    private let models: [JudgedModel]

    /// Opens the checkpoints and reads the ground truth.
    ///
    /// - Parameters:
    ///   - groundTruth: A CSV file with the columns path, instance and perhaps edit.
    ///   - checkpoints: The checkpoints' files, float and int8.
    ///   - includesUntrained: Whether the networks are judged as they were before training, too.
    ///     Their projection is fitted on the pictures of the ground truth.
    ///   - threads: The number of threads, the process's for matrix products, too.
    /// - Throws: `EvaluationError` or `CheckpointError`, each a sentence.
    public init(
        groundTruth: String, checkpoints: [String], includesUntrained: Bool, threads: Int
    ) throws {
        truth = try RetrievalTruth(contentsOf: groundTruth)
        BLAS.setThreads(threads)
        models = try JudgedModel.all(
            checkpoints, includingUntrained: includesUntrained, threads: threads)
    }

    /// Embeds the pictures with every model and works the figures out.
    ///
    /// - Parameter progress: Told what is under way, how much of it is done, and of how much.
    /// - Returns: The figures of all models.
    /// - Throws: `EvaluationError` for pictures that cannot be judged.
    public func run(
        progress: (_ step: EvaluationStep, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) throws -> RetrievalReport {
        let pictures = LabelledPictures(
            place: truth.file,
            entries: truth.entries.map {
                LabelledPictures.Entry(
                    path: FilePath(bytes: $0.path), name: $0.name, label: $0.instance ?? "")
            })
        let embedded = try EmbeddedPictures(pictures, by: models, progress)
        let entries = embedded.readable.map { truth.entries[$0] }
        let searches = RetrievalSearch.all(of: entries)
        let rows = try models.indices.map { index in
            var found = embedded.embeddings[index]
            var none: Embeddings?
            try models[index].finish(&found, &none)
            let vectors = normalizeRows(found.vectors)
            let figures = searches.compactMap {
                RetrievalFigures($0, embeddings: vectors, instances: entries.map(\.instance))
            }
            guard !figures.isEmpty else {
                throw EvaluationError.groundTruth(
                    path: truth.file, reason: "has no two readable pictures of one instance")
            }
            return RetrievalReport.Row(
                checkpoint: models[index].checkpoint, weights: models[index].weights,
                dimension: vectors.shape[1], searches: figures)
        }
        return RetrievalReport(
            groundTruth: truth.file, pictures: entries.count, skipped: embedded.skipped,
            models: rows)
    }
}
