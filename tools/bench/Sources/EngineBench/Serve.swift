import Answers
import ArgumentParser
import Foundation
import Inference
import Model
import Tensors

/// `engine-bench serve MODEL`: a model that is timed when told, so that it can take turns with
/// other engines.
///
/// It prints one line of JSON when ready and one for each line it reads: `run N` times N calls,
/// `embed PIXELS VECTORS` writes the embeddings of a file of pixels.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time a model on request: 'run N', 'embed PIXELS VECTORS'.")

    @Argument(help: "An int8 checkpoint.")
    var model: String

    @Option(help: "Pictures a call.")
    var batch = 1

    @Option(help: "Threads of a call.")
    var threads = 1

    func run() throws {
        let checkpoint = try Checkpoint(contentsOf: model, needed: .int8)
        let start = ContinuousClock.now
        let plan = try InferencePlan(checkpoint, batch: batch, threads: threads)
        try printJSON(
            Ready(
                isa: plan.instructionSet, planning: seconds(since: start),
                memory: plan.peakMemory, products: checkpoint.network.products(checkpoint),
                weights: checkpoint.tensors.filter { $0.key.hasSuffix(".weight") }
                    .reduce(0) { $0 + $1.value.shape.count },
                weightBits: checkpoint.weightBits ?? 8))
        let pixels = SeededPictures.views(
            batch, height: checkpoint.input.height, width: checkpoint.input.width, seed: 1)
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case ("run", 2):
                try printJSON(time(plan, pixels, calls: Int(words[1]) ?? 1))
            case ("embed", 3):
                try embed(plan, checkpoint, from: words[1], to: words[2])
            default:
                throw ValidationError("'\(line)' is neither 'run N' nor 'embed PIXELS VECTORS'")
            }
        }
    }

    private func time(_ plan: InferencePlan, _ pixels: Tensor<UInt8>, calls: Int) -> [Double] {
        timed(calls: calls) { _ = plan.embed(pixels.elements.span, count: batch) }
    }

    private func embed(
        _ plan: InferencePlan, _ checkpoint: Checkpoint, from source: String, to target: String
    ) throws {
        let pixels = [UInt8](try Data(contentsOf: URL(filePath: source)))
        let width = checkpoint.inputShape.count
        var vectors: [Float] = []
        for start in stride(from: 0, to: pixels.count / width, by: batch) {
            let count = min(batch, pixels.count / width - start)
            let part = Array(pixels[start * width..<(start + count) * width])
            for embedding in plan.embed(part.span, count: count) { vectors += embedding.vector }
        }
        let bytes = unsafe vectors.withUnsafeBytes { unsafe Data($0) }
        try bytes.write(to: URL(filePath: target))
        try printJSON(["pictures": pixels.count / width])
    }

    private struct Ready: Encodable {
        /// The row of kernels in use.
        var isa: String
        /// Seconds to plan and pack.
        var planning: Double
        /// Bytes of the plan.
        var memory: Int
        /// Multiply-adds of one picture.
        var products: Int
        /// Bytes of weights.
        var weights: Int
        var weightBits: Int
    }
}

extension Network {
    /// The multiply-adds of one picture.
    func products(_ checkpoint: Checkpoint) throws(NetworkError) -> Int {
        let shapes = try outputShapes(input: checkpoint.inputShape)
        return layers.reduce(0) { $0 + $1.products(shapes) }
    }
}

extension Layer {
    /// The multiply-adds of one picture, those of convolutions and linear layers.
    func products(_ shapes: [String: Shape]) -> Int {
        guard let input = shapes[inputs[0]], let output = shapes[name] else { return 0 }
        return switch kind {
        case .convolution(let convolution):
            output.count * (convolution.filterShape(input).count / convolution.outputs)
        case .linear: output.count * input.count
        default: 0
        }
    }
}
