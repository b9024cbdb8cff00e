public import ArgumentParser
import Foundation
public import FrozenClustering
import Model
import Pictures
import Quantization
import Tensors

extension FrozenClusterer.Method: ExpressibleByArgument {}

/// `dctrain cluster IMAGES --model CKPT -o OUT`: clusters of the user's pictures by a network
/// that is used as it is.
struct Cluster: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Cluster pictures by a network that is not trained any further.",
        discussion: """
            The network is quantized on a sample of the pictures; every picture is looked at once \
            by the int8 engine, as dcd will; projection and clusters are fitted to what it sees. The \
            result is the int8 checkpoint for dcd. With --float everything stays in float, and the \
            result is a float checkpoint for 'dctrain quantize' and 'dctrain export'. The report has \
            for each cluster its size, its coherence (the mean cosine to the centroid), the most \
            central pictures, and the outliers, whose cosine is more than one and a half \
            interquartile ranges below the lower quartile.

            Unless given, the number of clusters is one for 100 pictures, but 10 for 40 to 1,000 \
            pictures, and one for 4 where there are fewer.

            What cannot be read is left out and listed in a table beside the result, OUT with \
            .skipped.tsv at its end.
            """)

    @Argument(help: "A folder of pictures, or a text file with one path a line.")
    var images: String

    @Option(
        help: ArgumentHelp("A float checkpoint, with clusters or without.", valueName: "ckpt"),
        completion: .file())
    var model: String

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The checkpoint to write.", valueName: "file"))
    var output: String

    @Option(help: "The number of clusters; one that fits the number of pictures unless given.")
    var clusters: Int?

    @Option(
        help: ArgumentHelp(
            "A text file with one picture a line, each where a cluster begins: cluster 0 from the "
                + "first, and so on. Paths are as the report has them.",
            valueName: "list"),
        completion: .file())
    var examples: String?

    @Option(
        help: ArgumentHelp(
            "How embeddings become clusters: k-means, or graph, by the graph of each picture's 20 "
                + "nearest neighbours (normalized spectral clustering), which takes longer."))
    var method = FrozenClusterer.Method.kMeans

    @Option(help: "The most dimensions of an embedding, up to 256.")
    var dimensions = FrozenClusterer.largestDimension

    // Unconditional, or the minus would make it an option of its own.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Whitening of the embedding: the power of the eigenvalues that directions are scaled "
                + "by, -0.5 to make all alike, 0 to leave them as they are.",
            valueName: "exponent"))
    var whiten: Float = 0

    @Option(help: "The seed of the first centroids.")
    var seed = RandomStream.standardSeed

    @Option(
        help: ArgumentHelp(
            "With --float: features to take instead of looking at the pictures, the OUT of "
                + "'dctrain embed' on the same pictures with the same model, before it has clusters. "
                + "Another number of clusters then costs seconds.",
            valueName: "out"),
        completion: .file(extensions: ["npy"]))
    var features: String?

    @Option(
        help: ArgumentHelp(
            "A table to write, tab-separated, with a line a picture: its path, its cluster, its "
                + "cosine to the centroid, and whether it is an outlier.",
            valueName: "file"))
    var table: String?

    @Flag(help: "Keep everything in float, for research and export; slow.")
    var float = false

    @Option(
        help: "How many of the pictures to calibrate the int8 network with (128), spread over all.")
    var pictures: Int?

    @Option(
        help: "Bits of the int8 network's weights: 8 (the default), or 7 for weights within ±63.")
    var weightBits: Int?

    @Option(help: "The number of threads; all processors by default.")
    var threads: Int?

    @Flag(help: "Print the report as JSON.")
    var json = false

    func validate() throws {
        guard output != model else {
            throw ValidationError("--output would replace the model: name another file")
        }
        guard examples == nil || clusters == nil else {
            throw ValidationError("--examples has one picture a cluster: leave --clusters out")
        }
        guard clusters ?? 1 > 0, threads ?? 1 > 0 else {
            throw ValidationError("--clusters and --threads must be at least 1")
        }
        guard (1...FrozenClusterer.largestDimension).contains(dimensions) else {
            throw ValidationError("--dimensions must be 1 to \(FrozenClusterer.largestDimension)")
        }
        guard float || features == nil else {
            throw ValidationError(
                "--features are those of the float network: give --float too, or leave them out")
        }
        guard !float || pictures == nil && weightBits == nil else {
            throw ValidationError(
                "--pictures and --weight-bits are about 8 bits: leave them out, or --float")
        }
        guard method == .kMeans || examples == nil else {
            throw ValidationError("--examples are where k-means begins: leave out --method")
        }
        guard pictures ?? 1 > 0 else { throw ValidationError("--pictures must be at least 1") }
        guard [7, 8].contains(weightBits ?? 8) else {
            throw ValidationError("--weight-bits is 7 or 8")
        }
        guard (-1...0).contains(whiten) else {
            throw ValidationError("--whiten must be -1 to 0")
        }
    }

    func run() throws {
        let checkpoint = try Checkpoint(contentsOf: model, needed: .float32)
        let progress = FitProgress(TerminalProgress())
        var clustering = FrozenClusterer()
        clustering.clusters = clusters
        clustering.dimensions = dimensions
        clustering.whiten = whiten
        clustering.seed = seed
        clustering.examples = try examples.map(lines)
        clustering.method = method
        clustering.threads = threads
        clustering.quantizing = float ? nil : FrozenClusterer.Quantizing()
        if let pictures { clustering.quantizing?.pictures = pictures }
        if let weightBits { clustering.quantizing?.weightBits = weightBits }
        do {
            let found = try clustering.run(
                on: ListedPictures(at: images), model: checkpoint,
                features: features.map(FeatureFile.read), observer: progress)
            try found.checkpoint.write(to: output)
            if let table { try found.writeTable(to: table) }
            try writeSkipped(found.skipped, progress)
            let report = try ClusterReport(found, output: output)
            print(json ? try report.json() : report.table)
        } catch let error as QuantizationError {
            throw CommandFailure("\(model): \(error); --float clusters it without 8 bits")
        } catch is Interruption {
            progress.note("stopped; nothing was written")
            throw ExitCode(130)
        }
    }

    /// The lines of a text file that are not blank.
    private func lines(of path: String) throws -> [String] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw CommandFailure("'\(path)' is no text file: give one with a path a line")
        }
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
            .filter { !$0.allSatisfy(\.isWhitespace) }
        guard !lines.isEmpty else { throw CommandFailure("'\(path)' names no picture") }
        return lines
    }

    /// Lists what was left out, in place of an earlier list.
    private func writeSkipped(_ files: [SkippedFile], _ progress: FitProgress) throws {
        let table = "\(output).skipped.tsv"
        guard !files.isEmpty else {
            try? FileManager.default.removeItem(atPath: table)
            return
        }
        try SkippedFile.write(files, to: table)
        progress.note("\(files.count.grouped) files are no readable pictures: see \(table)")
    }
}
