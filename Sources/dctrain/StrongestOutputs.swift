import Evaluation
import FloatNetworks
import Model
import Pictures
import Tensors

/// What a network answers to one picture: a check that an import is right.
struct StrongestOutputs: Encodable {
    /// One output and its place among all.
    struct Output: Encodable {
        let index: Int
        let output: Float
    }

    let path: String
    /// The five largest, the largest first.
    let strongest: [Output]
    /// All of them.
    let outputs: [Float]

    private init(_ path: String, _ outputs: [Float]) {
        self.path = path
        self.outputs = outputs
        let order = outputs.indices.sorted { (outputs[$1], $0) < (outputs[$0], $1) }
        strongest = order.prefix(5).map { Output(index: $0, output: outputs[$0]) }
    }

    /// The pictures that are run at once.
    private static let batch = 32

    /// The outputs for every readable picture of a folder or a list.
    static func all(
        of checkpoint: Checkpoint, for pictures: String, threads: Int
    ) throws -> [StrongestOutputs] {
        let network = try NetworkWeights(checkpoint).runnable(threads: threads)
        let source = try ListedPictures(at: pictures)
        let progress = TerminalProgress()
        progress.begin("verifying", total: source.count, unit: "pictures")
        defer { progress.end() }
        let batches = CenterViewBatch.all(
            of: source, for: checkpoint.input, size: batch, threads: threads)
        var rows: [StrongestOutputs] = []
        var done = 0
        while let batch = batches.next() {
            for file in batch.skipped { progress.line("\(file.path): \(file.reason)") }
            if !batch.pictures.isEmpty {
                let views = checkpoint.input.batch(
                    of: batch.pixels.span, count: batch.pictures.count)
                let output = network.evaluate(views).output
                rows += zip(batch.pictures, 0...).map { picture, row in
                    StrongestOutputs(source.path(of: picture), Array(output[row: row]))
                }
            }
            done += batch.pictures.count + batch.skipped.count
            progress.advance(to: done)
        }
        guard !rows.isEmpty else {
            throw CommandFailure(
                "'\(pictures)' has no readable picture: give a folder with JPEG or PNG files")
        }
        return rows
    }

    /// A table for people: the place of each output and its value.
    static func lines(_ rows: [StrongestOutputs]) -> [String] {
        let cells = rows.map { row in
            [row.path] + row.strongest.flatMap { ["\($0.index)", $0.output.short] }
        }
        let widest = cells.map(\.count).max() ?? 1
        let head = ["picture"] + (1..<widest).map { $0.isMultiple(of: 2) ? "output" : "index" }
        let full = cells.map { $0 + [String](repeating: "", count: widest - $0.count) }
        return TextTable([head] + full, rightAligned: Set(1..<widest)).lines
    }
}

extension Float {
    /// Three digits behind the point.
    fileprivate var short: String { "\((self * 1000).rounded() / 1000)" }
}
