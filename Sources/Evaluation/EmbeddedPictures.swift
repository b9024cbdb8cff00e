import Model
import Tensors
import Training

/// The embeddings of a folder's pictures by each of several models.
///
/// Pictures are decoded once for all models that cut them alike, ahead of their use, and only
/// a few batches are in memory at a time.
struct EmbeddedPictures {
    /// The list that was embedded.
    let pictures: LabelledPictures
    /// The labels of the readable pictures.
    let labels: [String]
    /// The files that are no pictures.
    let skipped: [SkippedPicture]
    /// The embeddings of the readable pictures, for each model.
    let embeddings: [Embeddings]

    /// - Throws: `EvaluationError.noReadablePicture`.
    init(
        _ pictures: LabelledPictures, by models: [JudgedModel],
        _ progress: (_ place: String, _ done: Int, _ total: Int) -> Void
    ) throws {
        let entries = pictures.entries
        let inputs = models.reduce(into: [ViewGeometry: InputSpecification]()) { inputs, model in
            inputs[ViewGeometry(model.embedder.input)] = model.embedder.input
        }
        let size = Evaluator.batch
        let batches = Prefetcher(0..<(entries.count + size - 1) / size, depth: 4) { number in
            ViewBatch(entries[number * size..<min(entries.count, (number + 1) * size)], inputs)
        }
        var (labels, skipped): ([String], [SkippedPicture]) = ([], [])
        var embeddings: [[Embeddings]] = models.map { _ in [] }
        progress(pictures.place, 0, entries.count)
        while let batch = batches.next() {
            labels += batch.labels
            skipped += batch.skipped
            for (index, model) in models.enumerated() where !batch.labels.isEmpty {
                let pixels = batch.pixels[ViewGeometry(model.embedder.input)]!
                embeddings[index].append(
                    model.embedder.embed(pixels, count: batch.labels.count))
            }
            progress(pictures.place, labels.count + skipped.count, entries.count)
        }
        guard !labels.isEmpty else {
            throw EvaluationError.noReadablePicture(place: pictures.place, tried: entries.count)
        }
        (self.pictures, self.labels, self.skipped) = (pictures, labels, skipped)
        self.embeddings = embeddings.map { Embeddings(joining: $0) }
    }

    /// What the report says of the pictures.
    var summary: EvaluationReport.Pictures {
        EvaluationReport.Pictures(
            place: pictures.place, count: labels.count, labels: Set(labels).sorted(),
            unlabelled: pictures.unlabelled, skipped: skipped)
    }
}
