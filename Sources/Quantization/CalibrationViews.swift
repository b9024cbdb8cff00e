public import Model
public import Pictures
public import Tensors

/// The centre views of some pictures of a source, for a network to be calibrated with.
public struct CalibrationViews: Sendable {
    /// `[n, height, width, 3]`, as the network reads them.
    public let pixels: Tensor<UInt8>
    /// The files among those tried that cannot be read; others have taken their place.
    public let skipped: [SkippedFile]

    /// Pictures that are decoded together.
    private static let batch = 16

    /// Reads up to `count` pictures, drawn evenly from all.
    ///
    /// The draw is the same each time, so that equal pictures give equal checkpoints.
    ///
    /// - Parameters:
    ///   - source: The pictures.
    ///   - count: How many of them, one or more.
    ///   - input: The input that they are cut for.
    ///   - threads: How many batches are decoded at once.
    ///   - observer: Who hears of the progress, and may stop the work.
    /// - Throws: `PictureError.noReadablePicture`, or `Interruption`.
    public init(
        of source: any PictureSource, count: Int, for input: InputSpecification, threads: Int,
        observer: any ProgressObserver
    ) throws {
        var random = SeededGenerator(seed: 0)
        let order = random.permutation(source.count)
        let batches = CenterViewBatch.all(
            of: source, in: order, for: input, size: Self.batch, threads: threads)
        var (values, found, skipped): ([UInt8], Int, [SkippedFile]) = ([], 0, [])
        observer.begin(.sampling, epoch: nil, total: min(count, order.count), done: 0)
        defer { observer.end(.sampling) }
        while found < count, let batch = batches.next() {
            let wanted = min(count - found, batch.pictures.count)
            values += batch.pixels.prefix(wanted * input.height * input.width * 3)
            found += wanted
            skipped += batch.skipped
            observer.advance(to: found)
            if observer.shouldStop { throw Interruption() }
        }
        guard found > 0 else {
            throw PictureError.noReadablePicture(images: source.place, tried: source.count)
        }
        pixels = Tensor(values, shape: [found, input.height, input.width, 3])
        self.skipped = skipped
    }
}
