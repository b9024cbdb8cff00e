import ArgumentParser
import Foundation
import FrozenClustering
import Imaging
import Model
import Pictures
import Quantization
import Tensors

/// `dctrain quantize CKPT --calibrate IMAGES -o OUT`: a float checkpoint as the int8 one that
/// the daemon runs, and how far the two are apart.
struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn a float checkpoint into the int8 one that dcd runs.",
        discussion: """
            The ranges of the activations are measured on pictures: take some from where the \
            model will be used. The report says how far the int8 network is from the float one, \
            on the same pictures or, better, on others (--compare): for each layer the mean \
            signed and the largest error, for the embeddings the cosine, the share of pictures \
            that change their cluster, and how many of the 10 nearest neighbours are the same.
            """)

    @Argument(help: "A float checkpoint with clusters.", completion: .file())
    var checkpoint: String

    @Option(
        help: ArgumentHelp(
            "Pictures to calibrate with: a folder, or a list of paths.",
            valueName: "images"))
    var calibrate: String

    @Option(
        help: ArgumentHelp(
            "Pictures to report on; those of the calibration unless given.", valueName: "images"))
    var compare: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("The int8 checkpoint.", valueName: "file"))
    var output: String

    @Option(help: "Bits of the weights: 8, or 7 for weights within ±63.")
    var weightBits = 8

    @Option(help: "How many of the pictures to calibrate with, spread over all.")
    var pictures = 512

    @Option(help: "Threads; one for each processor unless told.")
    var threads = ProcessInfo.processInfo.activeProcessorCount

    @Flag(help: "Print the report as JSON.")
    var json = false

    func validate() throws {
        guard weightBits == 7 || weightBits == 8 else {
            throw ValidationError("--weight-bits \(weightBits) is not offered: choose 7 or 8")
        }
        guard pictures > 0, threads > 0 else {
            throw ValidationError("--pictures and --threads must be at least 1")
        }
        guard output != checkpoint else {
            throw ValidationError("--output would replace the float checkpoint: name another file")
        }
    }

    func run() throws {
        let float = try Checkpoint(contentsOf: checkpoint, needed: .float32)
        let progress = TerminalProgress()
        let others = try compare.map { try ListedPictures(at: $0) }
        defer { progress.end() }
        do {
            let views = try CalibrationViews(
                of: ListedPictures(at: calibrate), count: pictures, for: float.input,
                threads: threads, observer: FitProgress(progress))
            if !views.skipped.isEmpty {
                progress.line(
                    "\(views.skipped.count.grouped) files in '\(calibrate)' are no readable "
                        + "pictures")
            }
            let made = try Quantizer.make(
                float, calibration: views.pixels, weightBits: weightBits, threads: threads,
                progress: progress.show)
            try made.checkpoint.write(to: output)
            var meter = try DriftMeter(
                float, made.checkpoint, ranges: made.ranges, threads: threads)
            if let others {
                try meter.add(others, input: float.input, threads: threads, progress)
            } else {
                progress.show(.comparing, done: 0, of: views.pixels.shape[0])
                try meter.add(views.pixels, known: made.reference) { progress.advance(to: $0) }
            }
            progress.end()
            print(json ? try meter.report.json() : meter.report.table)
        } catch let error as QuantizationError {
            throw CommandFailure("\(checkpoint): \(error)")
        } catch is Interruption {
            progress.line("stopped; nothing was written")
            throw ExitCode(130)
        }
    }
}

extension DriftMeter {
    /// Compares the networks on every readable picture of a list, a few at a time.
    fileprivate mutating func add(
        _ pictures: ListedPictures, input: InputSpecification, threads: Int,
        _ progress: TerminalProgress
    ) throws {
        let batches = CenterViewBatch.all(of: pictures, for: input, size: 32, threads: threads)
        var (done, unreadable) = (0, 0)
        progress.show(.comparing, done: 0, of: pictures.count)
        while let batch = batches.next() {
            done += batch.pictures.count
            unreadable += batch.skipped.count
            try add(
                Tensor(
                    batch.pixels, shape: [batch.pictures.count, input.height, input.width, 3]))
            progress.advance(to: done + unreadable)
        }
        progress.end()
        if unreadable > 0 {
            progress.line(
                "\(unreadable.grouped) files in '\(pictures.place)' are no readable pictures")
        }
        guard done > 0 else {
            throw CommandFailure(
                "'\(pictures.place)' has no readable picture: give a folder with JPEG or PNG files")
        }
    }
}

/// A failure told in one sentence.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension TerminalProgress {
    /// Shows how far the quantizer is; a phase begins with nothing done.
    fileprivate func show(_ phase: Quantizer.Phase, done: Int, of total: Int) {
        guard done == 0 else { return advance(to: done) }
        end()
        begin(ProgressPhase(phase).title, total: total, unit: ProgressPhase(phase).unit)
    }
}
