import ArgumentParser
import Files
import Foundation
import Imaging
import Model
import Pictures
import Report
import Training

/// `dctrain visualize MODEL`: what single filters look for.
struct Visualize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw pictures that excite single filters, by climbing the gradient.",
        discussion: """
            For each layer a PNG file, OUTPUT/LAYER.png, with a picture for each filter, in the \
            order that is printed. What looks like noise gains from more --iterations, a longer \
            --step, or more --blur; the reference code of DeepCluster has --step 3, --blur 0.3 and \
            1,000 iterations. Deep layers of large networks take some seconds \
            a hundred iterations and filter on two cores.
            """)

    @Argument(help: "A float checkpoint.", completion: .file())
    var model: String

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The folder to write to.", valueName: "folder"))
    var output: String

    @Option(help: "The layers, as in conv3,conv5; all unless given.")
    var layers: String?

    @Option(help: "The numbers of the filters, as in 0,7,12; 16 of each layer unless given.")
    var filters: String?

    @Option(help: "So many filters of each layer, evenly spread.")
    var count = 16

    @Option(help: "The number of steps.")
    var iterations = 500

    @Option(help: "The length of a step, in levels of 255 at 224 pixels.")
    var step: Float = 100

    @Option(help: "The blur after every fifth step, in pixels, 0 to 5.")
    var blur = 0.6

    @Option(help: "The seed of the noise that the climb begins with.")
    var seed: UInt64 = 31

    @Option(help: "The number of threads; all processors by default.")
    var threads = ProcessInfo.processInfo.activeProcessorCount

    @Flag(help: "Print what was written as JSON.")
    var json = false

    func validate() throws {
        guard count > 0, iterations > 0, threads > 0, step > 0, step.isFinite else {
            throw ValidationError("--count, --iterations, --step and --threads must be above 0")
        }
        guard (0...5).contains(blur) else {
            throw ValidationError("--blur must be 0 to 5")
        }
        if filters != nil, numbers == nil {
            throw ValidationError("--filters must be whole numbers from 0, separated by commas")
        }
    }

    private var numbers: [Int]? {
        guard let filters else { return nil }
        let parts = filters.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }
        return numbers.count == parts.count && numbers.allSatisfy { $0 >= 0 } ? numbers : nil
    }

    func run() throws {
        let checkpoint = try Checkpoint(contentsOf: model, needed: .float32)
        var ascent = try GradientAscent(checkpoint, name: model, threads: threads)
        ascent.iterations = iterations
        ascent.step = step
        ascent.blur = blur
        ascent.seed = seed
        let chosen = layers?.split(separator: ",").map { String($0) } ?? ascent.layers
        // Whatever is wrong is told before the first layer is climbed.
        let filters = try chosen.map { try self.filters(of: $0, ascent) }
        try FileManager.default.createDirectory(
            atPath: output, withIntermediateDirectories: true)
        let progress = TerminalProgress()
        StopSignal.watch()
        var sheets: [Sheet] = []
        do {
            for (layer, filters) in zip(chosen, filters) {
                sheets.append(try draw(layer, filters, ascent, progress))
            }
        } catch is Interruption {
            progress.line("stopped; finished layers are in '\(output)'")
            throw ExitCode(130)
        }
        if json { print(try sheets.json()) } else { sheets.forEach { print($0.line) } }
    }

    private func filters(of layer: String, _ ascent: GradientAscent) throws -> [Int] {
        let all = try ascent.filters(of: layer)
        if let numbers {
            if let wrong = numbers.first(where: { $0 >= all }) {
                throw ReportError.noSuchFilter(layer: layer, filter: wrong, filters: all)
            }
            return numbers
        }
        let shown = min(count, all)
        return (0..<shown).map { $0 * all / shown }
    }

    private func draw(
        _ layer: String, _ filters: [Int], _ ascent: GradientAscent, _ progress: TerminalProgress
    ) throws -> Sheet {
        progress.begin(layer, total: filters.count * ascent.iterations, unit: "steps")
        defer { progress.end() }
        let pictures = try ascent.run(layer: layer, filters: filters) { done, _ in
            progress.advance(to: done)
            if StopSignal.isRequested { throw Interruption() }
        }
        // A layer's name may hold what no file name does.
        let name = String(layer.map { $0 == "/" ? "-" : $0 })
        let path = "\(output)/\(name).png"
        try DurableFile.write(PictureSheet.png(pictures, columns: 4), to: FilePath(path))
        return Sheet(layer: layer, filters: filters, file: path)
    }

    /// What was written for a layer.
    private struct Sheet: Encodable {
        let layer: String
        let filters: [Int]
        let file: String

        var line: String {
            "\(file)  filters \(filters.map { "\($0)" }.joined(separator: " "))"
        }
    }
}
