import Model

/// One row of the report: a model that embeds pictures.
struct JudgedModel {
    /// The checkpoint's file.
    let checkpoint: String
    /// Which weights it has.
    let weights: ModelFigures.Weights
    /// The number of clusters it ships.
    let clusters: Int?
    /// Makes the embeddings, or the features that `finish` turns into some.
    let embedder: any Embedder
    private let untrained: UntrainedModel?

    /// The models of a request, each network before training ahead of its first checkpoint.
    static func all(of request: EvaluationRequest) throws -> [JudgedModel] {
        var models: [JudgedModel] = []
        var known: [UntrainedModel] = []
        for path in request.checkpoints {
            let checkpoint = try Checkpoint(contentsOf: path)
            do {
                let untrained = UntrainedModel(of: checkpoint)
                if request.includesUntrained, checkpoint.precision == .float32,
                    !known.contains(untrained)
                {
                    known.append(untrained)
                    models.append(
                        try JudgedModel(path, checkpoint, untrained, request.threads))
                }
                models.append(try JudgedModel(path, checkpoint, nil, request.threads))
            } catch {
                throw EvaluationError.model(checkpoint: path, reason: "\(error)")
            }
        }
        if request.includesUntrained, known.isEmpty, let first = request.checkpoints.first {
            throw EvaluationError.untrainedNeedsFloat(checkpoint: first)
        }
        return models
    }

    private init(
        _ path: String, _ checkpoint: Checkpoint, _ untrained: UntrainedModel?, _ threads: Int
    ) throws {
        self.checkpoint = path
        self.untrained = untrained
        clusters = checkpoint.clustering?.clusters
        if let untrained {
            weights = .untrained
            embedder = try untrained.embedder(threads: threads)
        } else if checkpoint.precision == .int8 {
            weights = .int8
            embedder = try IntegerEmbedder(checkpoint, threads: threads)
        } else {
            weights = .float32
            embedder = try FloatEmbedder(checkpoint, threads: threads)
        }
    }

    /// Makes embeddings of what the embedder gave, where more is to be done.
    func finish(_ queries: inout Embeddings, _ references: inout Embeddings?) throws {
        do {
            try untrained?.finish(&queries, &references)
        } catch {
            throw EvaluationError.model(
                checkpoint: "\(checkpoint), before training", reason: "\(error)")
        }
    }
}
