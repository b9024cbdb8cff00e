import Model
import Pictures
import Tensors

extension Evaluator {
    /// The layers of a model that are probed; none of an int8 network.
    func probedLayers(of model: JudgedModel) throws -> ProbedLayers? {
        try model.network.map {
            try ProbedLayers(
                of: $0.network, inputShape: $0.inputShape, named: request.probedLayers)
        }
    }

    /// Probes a model's layers, as far as they are floats, and its embedding.
    func probes(
        of model: JudgedModel, _ queries: Embeddings, _ references: Embeddings?,
        _ split: ProbeSplit, _ progress: (EvaluationStep, Int, Int) -> Void
    ) throws -> [LayerFigures] {
        let step = EvaluationStep.probing(checkpoint: model.checkpoint, weights: model.weights)
        var probing = LayerProbing()
        probing.probe.epochs = request.probeEpochs
        probing.memory = request.probeMemory
        probing.threads = request.threads
        let layers = try probedLayers(of: model)
        let total = (layers?.layers.count ?? 0) + 1
        progress(step, 0, total)
        var figures: [LayerFigures] = []
        if let layers, let network = model.network {
            var done = 0
            figures = try probing.run(
                layers, of: network, classes: split.classes, pictures: split.count,
                train: { split.train.pass(for: network.input) },
                test: { split.test.pass(for: network.input) },
                done: { _ in
                    done += 1
                    progress(step, done, total)
                })
        }
        let embedding = probing.probe.run(
            train: split.train.samples(of: (references ?? queries).vectors),
            test: split.test.samples(of: queries.vectors), classes: split.classes)
        progress(step, total, total)
        return figures + [
            LayerFigures(
                layer: LayerFigures.embedding, dimension: queries.vectors.shape[1], embedding)
        ]
    }
}

/// The pictures that probes learn from and those that they are judged by.
struct ProbeSplit {
    /// One of the two.
    struct Side {
        var entries: [LabelledPictures.Entry] = []
        /// The label of each, from 0.
        var labels: [Int32] = []
        /// Where its embedding is.
        var rows: [Int] = []

        /// A pass over the pixels.
        func pass(for input: InputSpecification) -> (() -> LabelledPixels?) {
            let geometry = ViewGeometry(input)
            let batches = ViewBatch.all(of: entries, [geometry: input])
            return {
                batches.next().map { batch in
                    LabelledPixels(
                        pixels: batch.pixels[geometry] ?? [],
                        labels: batch.readable.map { labels[$0] })
                }
            }
        }

        /// The embeddings of these pictures.
        func samples(of vectors: Tensor<Float>) -> LinearProbe.Samples {
            LinearProbe.Samples(features: vectors.rows(at: rows), labels: labels)
        }

        fileprivate mutating func append(
            _ entry: LabelledPictures.Entry, _ numbers: LabelNumbers, row: Int
        ) {
            entries.append(entry)
            labels.append(Int32(numbers[entry.label]))
            rows.append(row)
        }
    }

    private(set) var train = Side()
    private(set) var test = Side()
    /// The number of labels.
    let classes: Int

    /// Two folders as they are; or of one every fifth picture of each label to be judged by.
    ///
    /// - Throws: `EvaluationError.tooFewToProbe`.
    init(train voters: EmbeddedPictures?, test judged: EmbeddedPictures) throws {
        let numbers = LabelNumbers((voters?.labels ?? []) + judged.labels)
        classes = numbers.count
        if let voters {
            for (row, entry) in voters.entries.enumerated() {
                train.append(entry, numbers, row: row)
            }
        }
        var split = EveryFifth<String>()
        for (row, entry) in judged.entries.enumerated() {
            if voters != nil || split.isJudged(entry.label) {
                test.append(entry, numbers, row: row)
            } else {
                train.append(entry, numbers, row: row)
            }
        }
        guard !train.labels.isEmpty, !test.labels.isEmpty else {
            throw EvaluationError.tooFewToProbe(place: judged.pictures.place)
        }
    }

    /// The number of pictures on both sides.
    var count: Int { train.labels.count + test.labels.count }

    /// What the report says of it.
    func summary(epochs: Int) -> ProbedPictures {
        ProbedPictures(train: train.labels.count, test: test.labels.count, epochs: epochs)
    }
}
