import Files
public import Model
public import Pictures
public import Tensors

/// Embeds the pictures of a folder with a checkpoint, float or int8.
public struct FolderEmbedder {
    private let embedder: any Embedder
    private let threads: Int

    /// Prepares the network of a checkpoint.
    ///
    /// - Parameters:
    ///   - checkpoint: With clusters, or a backbone alone, whose raw feature is then taken.
    ///   - threads: How many threads share the work.
    /// - Throws: `FloatNetworkError` or `InferenceError` where the network cannot be run.
    public init(_ checkpoint: Checkpoint, threads: Int) throws {
        self.threads = threads
        embedder =
            switch checkpoint.precision {
            case .int8: try IntegerEmbedder(checkpoint, threads: threads)
            case .float32: try FloatEmbedder(NetworkWeights(checkpoint), threads: threads)
            }
    }

    /// Embeds every picture that can be read.
    ///
    /// - Parameters:
    ///   - source: The pictures.
    ///   - keepsPixels: Whether the pixels that the network reads are wanted too; they take
    ///     150 kB a picture at 224 × 224.
    ///   - observer: Who hears of the progress, and may stop the work.
    /// - Returns: One embedding a picture, in the order of the source.
    /// - Throws: `PictureError.noReadablePicture`, or `Interruption` where the observer
    ///   stopped it.
    public func run(
        on source: any PictureSource, keepsPixels: Bool = false, observer: any ProgressObserver
    ) throws -> FolderEmbeddings {
        var (parts, pixels): ([Embeddings], [UInt8]) = ([], [])
        var (names, skipped): ([String], [SkippedFile]) = ([], [])
        let batches = CenterViewBatch.all(
            of: source, for: embedder.input, size: Evaluator.batch, threads: threads)
        observer.begin(.features, epoch: nil, total: source.count, done: 0)
        defer { observer.end(.features) }
        while let batch = batches.next() {
            if !batch.pictures.isEmpty {
                parts.append(embedder.embed(batch.pixels, count: batch.pictures.count))
                if keepsPixels { pixels += batch.pixels }
            }
            names += batch.pictures.map { source.path(of: $0) }
            skipped += batch.skipped
            observer.advance(to: names.count + skipped.count)
            if observer.shouldStop { throw Interruption() }
        }
        guard !names.isEmpty else {
            throw PictureError.noReadablePicture(images: source.place, tried: source.count)
        }
        let all = Embeddings(joining: parts)
        let (height, width) = (embedder.input.height, embedder.input.width)
        return FolderEmbeddings(
            names: names, vectors: all.vectors, clusters: all.clusters, skipped: skipped,
            pixels: keepsPixels
                ? Tensor(pixels, shape: [names.count, height, width, 3]) : nil)
    }
}

/// The embeddings of a folder's pictures.
public struct FolderEmbeddings: Sendable {
    /// The n pictures, below the folder or as the list has them.
    public let names: [String]
    /// Their embeddings, `[n, D]`.
    public let vectors: Tensor<Float>
    /// The cluster of each, where the model has clusters.
    public let clusters: [Int32]?
    /// The files that could not be read.
    public let skipped: [SkippedFile]
    /// The pixels that the network read, `[n, height, width, 3]`, where they were wanted.
    public let pixels: Tensor<UInt8>?

    /// Writes a table with a line of headings and a line a picture: path, and its cluster where
    /// the model has clusters.
    ///
    /// - Parameter path: The table, replaced where it is there.
    /// - Throws: `SystemCallError` where it cannot be written.
    public func writeTable(to path: String) throws {
        var text = clusters == nil ? "path\n" : "path\tcluster\n"
        for (row, name) in names.enumerated() {
            text += name.tableField
            if let clusters { text += "\t\(clusters[row])" }
            text += "\n"
        }
        try DurableFile.write(text, to: FilePath(path))
    }
}
