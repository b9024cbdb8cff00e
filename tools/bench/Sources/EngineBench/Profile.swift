import ArgumentParser
import Foundation
import Inference
import Model
import Tensors

/// `engine-bench profile MODEL`: where the time goes, layer by layer.
struct Profile: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print each layer's time, rate and share of the CPU's limit.",
        discussion: """
            DC_ISA pins a row of kernels. The limit is what the row's instruction reaches with \
            all operands in registers, measured at the start.
            """)

    @Argument(help: "An int8 checkpoint.")
    var model: String

    @Option(help: "Pictures a call.")
    var batch = 1

    @Option(help: "Threads of a call.")
    var threads = 1

    @Option(help: "How many calls the medians are of.")
    var calls = 30

    func run() throws {
        let checkpoint = try Checkpoint(contentsOf: model, needed: .int8)
        let plan = try InferencePlan(checkpoint, batch: batch, threads: threads)
        let limit = CPULimit.products(
            isa: plan.instructionSet, weightBits: checkpoint.weightBits ?? 8, threads: threads)
        let pixels = SeededPictures.views(
            batch, height: checkpoint.input.height, width: checkpoint.input.width, seed: 1)
        let (whole, layers) = measure(plan, pixels.elements)

        print(
            "\(model), \(plan.instructionSet), batch \(batch), \(threads) threads; "
                + "limit \(Self.giga(limit ?? 0)) GMAC/s, plan \(plan.peakMemory >> 20) MiB")
        print(Self.row(["layer", "kind", "output", "MMAC", "us", "time", "GMAC/s", "limit"]))
        let sum = layers.reduce(0) { $0 + $1.time }
        let shapes = try checkpoint.network.outputShapes(input: checkpoint.inputShape)
        var products = 0
        for (name, time) in layers {
            let layer = checkpoint.network.layer(name)
            let mine = batch * (layer?.products(shapes) ?? 0)
            products += mine
            print(
                Self.row(
                    [
                        name, layer.map(Self.describe) ?? "", shapes[name].map(Self.extents) ?? "",
                        mine == 0 ? "" : String(format: "%.1f", Double(mine) / 1e6),
                        String(format: "%.0f", time * 1e6),
                        String(format: "%.1f%%", 100 * time / sum),
                    ] + Self.rate(mine, time, limit)))
        }
        print(
            Self.row(
                [
                    "all layers", "", "", String(format: "%.1f", Double(products) / 1e6),
                    String(format: "%.0f", sum * 1e6), "100%",
                ] + Self.rate(products, sum, limit)))
        print(
            Self.row(
                ["embed()", "", "", "", String(format: "%.0f", whole * 1e6), ""]
                    + Self.rate(products, whole, limit)))
    }

    /// The median seconds of a call and of each layer.
    private func measure(
        _ plan: InferencePlan, _ pixels: [UInt8]
    ) -> (whole: Double, layers: [(name: String, time: Double)]) {
        var names: [String] = []
        var times: [[Double]] = []
        var whole: [Double] = []
        for call in 0..<calls + 3 {
            let start = ContinuousClock.now
            _ = plan.embed(pixels.span, count: batch)
            let time = seconds(since: start)
            let layers = plan.layerTimes(pixels.span, count: batch)
            guard call >= 3 else { continue }  // caches and clocks settle
            whole.append(time)
            names = layers.map(\.layer)
            if times.isEmpty { times = names.map { _ in [] } }
            for (index, layer) in layers.enumerated() {
                times[index].append(layer.time / .seconds(1))
            }
        }
        return (whole.median, zip(names, times).map { ($0, $1.median) })
    }

    private static func rate(_ products: Int, _ time: Double, _ limit: Double?) -> [String] {
        guard products > 0 else { return ["", ""] }
        let rate = Double(products) / time
        return [giga(rate), limit.map { String(format: "%.0f%%", 100 * rate / $0) } ?? ""]
    }

    private static func giga(_ rate: Double) -> String { String(format: "%.1f", rate / 1e9) }

    private static func extents(_ shape: Shape) -> String {
        shape.extents.map { "\($0)" }.joined(separator: "x")
    }

    private static func describe(_ layer: Layer) -> String {
        guard case .convolution(let convolution) = layer.kind else { return layer.kind.name }
        let (height, width) = (convolution.kernelHeight, convolution.kernelWidth)
        let groups = convolution.groups == 1 ? "" : " g\(convolution.groups)"
        return "conv \(height)x\(width)/\(convolution.stride)\(groups)"
    }

    private static func row(_ cells: [String]) -> String {
        let widths = [26, 20, 14, 8, 9, 7, 8, 6]
        return zip(cells, widths).enumerated().map { column, cell in
            let space = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
            return column < 3 ? cell.0 + space : space + cell.0
        }.joined(separator: " ")
    }
}
