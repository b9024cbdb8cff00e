import Dispatch
import Imaging
import Model
import Synchronization
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
        let entries = try PictureList(at: pictures).entries
        let progress = TerminalProgress()
        progress.begin("verifying", total: entries.count, unit: "pictures")
        defer { progress.end() }
        var rows: [StrongestOutputs] = []
        for start in stride(from: 0, to: entries.count, by: batch) {
            let chunk = Array(entries[start..<min(start + batch, entries.count)])
            let views = views(of: chunk, input: checkpoint.input, progress)
            if !views.isEmpty { rows += outputs(of: network, for: views, checkpoint.input) }
            progress.advance(to: start + chunk.count)
        }
        guard !rows.isEmpty else {
            throw CommandFailure(
                "'\(pictures)' has no readable picture: give a folder with JPEG or PNG files")
        }
        return rows
    }

    private typealias View = (path: String, pixels: [UInt8])

    /// Decodes in parallel; the order is kept, and what cannot be read is told.
    private static func views(
        of entries: [PictureList.Entry], input: InputSpecification, _ progress: TerminalProgress
    ) -> [View] {
        let results = Mutex([Result<[UInt8], ImagingError>?](repeating: nil, count: entries.count))
        DispatchQueue.concurrentPerform(iterations: entries.count) { index in
            let result = Result { () throws(ImagingError) in
                try Picture(
                    contentsOf: entries[index].path, decode: input.decode, target: input.shortSide
                ).centerView(for: input).pixels
            }
            results.withLock { $0[index] = result }
        }
        return zip(entries, results.withLock { $0 }).compactMap { entry, result in
            switch result {
            case .success(let pixels): return (entry.display, pixels)
            case .failure(let error):
                progress.line("\(entry.display): \(error)")
                return nil
            case nil: return nil
            }
        }
    }

    private static func outputs(
        of network: FloatNetwork, for views: [View], _ input: InputSpecification
    ) -> [StrongestOutputs] {
        let table = input.normalizationTable()
        var batch: [Float] = []
        batch.reserveCapacity(views.count * network.inputShape.count)
        for view in views {
            for (index, pixel) in view.pixels.enumerated() {
                batch.append(table[256 * (index % 3) + Int(pixel)])
            }
        }
        let shape = Shape([views.count] + network.inputShape.extents)
        let output = network.evaluate(Tensor(batch, shape: shape)).output
        return views.indices.map { StrongestOutputs(views[$0].path, Array(output[row: $0])) }
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
