/// How good some models are on pictures with known labels.
public struct EvaluationReport: Codable, Equatable, Sendable {
    /// A folder and what of it was used.
    public struct Pictures: Codable, Equatable, Sendable {
        /// The folder or list.
        public let place: String
        /// The readable pictures with a label.
        public let count: Int
        /// The labels, sorted.
        public let labels: [String]
        /// The files in no sub-folder, which were left out.
        public let unlabelled: Int
        /// The files that are no readable pictures.
        public let skipped: [SkippedPicture]
    }

    /// The pictures that vote; `nil` where those judged vote for one another.
    public let train: Pictures?
    /// The pictures that are judged.
    public let test: Pictures
    /// The number of neighbours that vote.
    public let neighbours: Int
    /// The seeds of the k-means runs whose figures are averaged.
    public let seeds: [UInt32]
    /// What the probes learnt from and were judged by, in numbers of pictures, where there are
    /// probes.
    public let probed: ProbedPictures?
    /// The models, in the order of the table.
    public let models: [ModelFigures]
}

/// How the pictures are shared between learning and judging.
public struct ProbedPictures: Codable, Equatable, Sendable {
    /// The pictures that probes learn from.
    public let train: Int
    /// The pictures that they are judged by.
    public let test: Int
    /// The passes over the former.
    public let epochs: Int

    /// Given numbers.
    package init(train: Int, test: Int, epochs: Int) {
        (self.train, self.test, self.epochs) = (train, test, epochs)
    }
}

/// The figures of one model.
public struct ModelFigures: Codable, Equatable, Sendable {
    /// What weights a model has.
    public enum Weights: String, Codable, Sendable {
        /// The random ones that training began with.
        case untrained
        /// Those of a float checkpoint.
        case float32
        /// Those of an int8 checkpoint.
        case int8
    }

    /// The checkpoint's file.
    public let checkpoint: String
    /// Its weights.
    public let weights: Weights
    /// The dimension of an embedding.
    public let dimension: Int
    /// The share of pictures whose label their neighbours' vote finds.
    public let neighbourAccuracy: Double
    /// Clusters fitted on the judged pictures, for each number asked for.
    public let fitted: [ClusterFigures]
    /// The assignment to the model's own clusters, where it has some.
    public let shipped: ClusterFigures?
    /// Linear probes of the layers and of the embedding, where they were asked for; int8
    /// networks have the embedding's alone.
    public let probes: [LayerFigures]?
}
