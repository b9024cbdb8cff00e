import ArgumentParser
import Evaluation
import Foundation
import Model
import Pictures
import Tensors

/// `dctrain embed IMAGES --model CKPT -o OUT`: the embeddings of a folder of pictures.
struct Embed: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the embeddings of pictures as a NumPy file.",
        discussion: """
            OUT.npy holds one row a picture, OUT.tsv the path and the cluster of each in the same \
            order; OUT.skipped.tsv lists what cannot be read, where there is such a file. \
            A checkpoint without clusters gives its raw feature.
            """)

    @Argument(help: "A folder of pictures, or a text file with one path a line.")
    var images: String

    @Option(
        help: ArgumentHelp("A checkpoint, float or int8.", valueName: "ckpt"), completion: .file())
    var model: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The files to write, without what their names end in.", valueName: "out")
    )
    var output: String

    @Flag(help: "Write the pixels that the network reads to OUT.pixels.npy, too.")
    var pixels = false

    @Option(help: "The number of threads; all processors by default.")
    var threads = ProcessInfo.processInfo.activeProcessorCount

    @Flag(help: "Print what was written as JSON.")
    var json = false

    func validate() throws {
        guard threads > 0 else { throw ValidationError("--threads must be at least 1") }
    }

    func run() throws {
        let progress = FitProgress(TerminalProgress())
        do {
            let found = try FolderEmbedder(Checkpoint(contentsOf: model), threads: threads).run(
                on: ListedPictures(at: images), keepsPixels: pixels, observer: progress)
            let result = EmbedResult(found, base: base)
            try result.write(found, note: progress.note)
            try result.print(json: json)
        } catch is Interruption {
            progress.note("stopped; nothing was written")
            throw ExitCode(130)
        }
    }

    /// The output without an ending, which may be given.
    private var base: String {
        output.hasSuffix(".npy") ? String(output.dropLast(4)) : output
    }
}

/// The files that `embed` writes.
struct EmbedResult: Encodable {
    private let embeddings: String
    private let table: String
    private let pixels: String?
    private let skippedTable: String?
    private let pictures: Int
    private let dimension: Int
    private let skipped: Int

    /// The files for these embeddings; their names begin with `base`.
    init(_ found: FolderEmbeddings, base: String) {
        embeddings = "\(base).npy"
        table = "\(base).tsv"
        pixels = found.pixels == nil ? nil : "\(base).pixels.npy"
        skippedTable = found.skipped.isEmpty ? nil : "\(base).skipped.tsv"
        pictures = found.names.count
        dimension = found.vectors.rowSize
        skipped = found.skipped.count
    }

    /// Writes all files.
    func write(_ found: FolderEmbeddings, note: (String) -> Void) throws {
        try NumpyFile.write(found.vectors, to: embeddings)
        try found.writeTable(to: table)
        if let pixels, let values = found.pixels { try NumpyFile.write(values, to: pixels) }
        guard let skippedTable else { return }
        try SkippedFile.write(found.skipped, to: skippedTable)
        note("\(skipped.grouped) files are no readable pictures: see \(skippedTable)")
    }

    func print(json: Bool) throws {
        guard json else {
            Swift.print("\(embeddings)  \(pictures.grouped) pictures, \(dimension) dimensions")
            return
        }
        Swift.print(try self.json())
    }
}
