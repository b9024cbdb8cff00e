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
    /// The network that layers are probed of; `nil` for int8, whose maps are never floats.
    let network: NetworkWeights?
    private let untrained: UntrainedModel?

    /// The models of some checkpoints, each network before training ahead of its first
    /// checkpoint where these are wanted.
    static func all(
        _ checkpoints: [String], includingUntrained: Bool, threads: Int
    ) throws -> [JudgedModel] {
        var models: [JudgedModel] = []
        var known: [UntrainedModel] = []
        for path in checkpoints {
            let checkpoint = try Checkpoint(contentsOf: path)
            do {
                if includingUntrained, checkpoint.precision == .float32 {
                    let untrained = try UntrainedModel(of: checkpoint)
                    if !known.contains(untrained) {
                        known.append(untrained)
                        models.append(try JudgedModel(path, checkpoint, untrained, threads))
                    }
                }
                models.append(try JudgedModel(path, checkpoint, nil, threads))
            } catch {
                throw EvaluationError.model(checkpoint: path, reason: "\(error)")
            }
        }
        if includingUntrained, known.isEmpty, let first = checkpoints.first {
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
            network = untrained.weights
            embedder = try untrained.embedder(threads: threads)
        } else if checkpoint.precision == .int8 {
            weights = .int8
            network = nil
            embedder = try IntegerEmbedder(checkpoint, threads: threads)
        } else {
            weights = .float32
            let network = try NetworkWeights(checkpoint)
            self.network = network
            embedder = try FloatEmbedder(network, threads: threads)
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
