import Model
import Pictures
import Tensors

/// The embeddings of a folder's pictures by each of several models.
///
/// Pictures are decoded once for all models that cut them alike, ahead of their use, and only
/// a few batches are in memory at a time.
struct EmbeddedPictures {
    /// The list that was embedded.
    let pictures: LabelledPictures
    /// The numbers of the readable pictures in that list.
    let readable: [Int]
    /// The files that are no pictures.
    let skipped: [SkippedPicture]
    /// The embeddings of the readable pictures, for each model.
    let embeddings: [Embeddings]

    /// - Throws: `EvaluationError.noReadablePicture`.
    init(
        _ pictures: LabelledPictures, by models: [JudgedModel],
        _ progress: (_ step: EvaluationStep, _ done: Int, _ total: Int) -> Void
    ) throws {
        let entries = pictures.entries
        let inputs = models.reduce(into: [ViewGeometry: InputSpecification]()) { inputs, model in
            inputs[ViewGeometry(model.embedder.input)] = model.embedder.input
        }
        let batches = ViewBatch.all(of: entries, inputs)
        var (readable, skipped): ([Int], [SkippedPicture]) = ([], [])
        var embeddings: [[Embeddings]] = models.map { _ in [] }
        let step = EvaluationStep.embedding(place: pictures.place)
        progress(step, 0, entries.count)
        while let batch = batches.next() {
            readable += batch.readable
            skipped += batch.skipped
            for (index, model) in models.enumerated() where !batch.readable.isEmpty {
                let pixels = batch.pixels[ViewGeometry(model.embedder.input)]!
                embeddings[index].append(
                    model.embedder.embed(pixels, count: batch.readable.count))
            }
            progress(step, readable.count + skipped.count, entries.count)
        }
        guard !readable.isEmpty else {
            throw EvaluationError.noReadablePicture(place: pictures.place, tried: entries.count)
        }
        (self.pictures, self.readable, self.skipped) = (pictures, readable, skipped)
        self.embeddings = embeddings.map { Embeddings(joining: $0) }
    }

    /// The readable pictures.
    var entries: [LabelledPictures.Entry] { readable.map { pictures.entries[$0] } }

    /// Their labels.
    var labels: [String] { entries.map(\.label) }

    /// What the report says of the pictures.
    var summary: EvaluationReport.Pictures {
        EvaluationReport.Pictures(
            place: pictures.place, count: readable.count, labels: Set(labels).sorted(),
            unlabelled: pictures.unlabelled, skipped: skipped)
    }
}
