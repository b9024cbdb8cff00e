import ArgumentParser
import Foundation
import Imaging
import Model
import Quantization
import Tensors

/// `dctrain quantize CKPT --calibrate IMAGES -o OUT`: a float checkpoint as the int8 one that
/// the daemon runs, and how far the two are apart.
struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn a float checkpoint into the int8 one that dcd runs.",
        discussion: """
            The scales of the activations are measured on pictures: take some from where the \
            model will be used. The report says how far the int8 network is from the float one.
            """)

    @Argument(help: "A float checkpoint with clusters.", completion: .file())
    var checkpoint: String

    @Option(
        help: ArgumentHelp(
            "Pictures to calibrate with: a folder, or a list of paths.",
            valueName: "images"))
    var calibrate: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The int8 checkpoint.", valueName: "file"))
    var output: String

    @Option(help: "Bits of the weights: 8, or 7 for weights within ±63.")
    var weightBits = 8

    @Option(help: "How many of the pictures to use, spread over all.")
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
        let views = try CalibrationPictures(
            at: calibrate, count: pictures, input: float.input, threads: threads,
            progress: progress)
        let (quantized, drift): (Checkpoint, DriftReport)
        do throws(QuantizationError) {
            (quantized, drift) = try Quantizer.quantize(
                float, calibration: views.pixels, weightBits: weightBits, threads: threads,
                progress: progress.show)
            progress.end()
        } catch {
            progress.end()
            throw CommandFailure("\(checkpoint): \(error)")
        }
        try quantized.write(to: output)
        print(json ? try drift.json() : drift.table)
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
        switch phase {
        case .calibrating: begin("calibrating", total: total, unit: "pictures")
        case .correcting: begin("correcting biases", total: total, unit: "layers")
        case .comparing: begin("comparing float and int8", total: total, unit: "pictures")
        }
    }
}
