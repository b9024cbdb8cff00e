import Model
import Tensors
import Training

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
        var tensors: [String: Tensor<Float>] = [:]
        for name in checkpoint.tensors.keys { tensors[name] = try checkpoint.float(name) }
        let network = try FloatNetwork(
            network: checkpoint.network, inputShape: checkpoint.inputShape, tensors: tensors,
            threads: threads)
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
                let names = batch.pictures.map { source.path(of: $0) }
                rows += outputs(of: network, for: names, batch.pixels, checkpoint.input)
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

    private static func outputs(
        of network: FloatNetwork, for names: [String], _ pixels: [UInt8],
        _ input: InputSpecification
    ) -> [StrongestOutputs] {
        let table = input.normalizationTable()
        let values = pixels.enumerated().map { index, pixel in
            table[256 * (index % 3) + Int(pixel)]
        }
        let shape = Shape([names.count] + network.inputShape.extents)
        let output = network.evaluate(Tensor(values, shape: shape)).output
        return names.indices.map { StrongestOutputs(names[$0], Array(output[row: $0])) }
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
