import Foundation
import Inference
import Kernels
import Model
import Tensors
import TestSupport
import Testing

/// Model files that somebody changed: each is refused, or planned and run; none stops the program.
struct HostileModelTests {
    /// One layer of every kind that int8 networks have, on pictures of 12 × 10.
    private static func model() throws -> Checkpoint {
        var network = Network(layers: [], feature: "pool")
        network.append("sobel", .sobel)
        network.append(
            "conv1", .convolution(Convolution(outputs: 6, kernel: 3, padding: Padding(1))))
        network.append("max", .maxPool(Pooling(kernel: 3, stride: 2, padding: Padding(1))))
        network.append(
            "depthwise",
            .convolution(Convolution(outputs: 6, kernel: 3, padding: Padding(1), groups: 6)))
        network.layers.append(Layer("add", .add, inputs: ["max", "depthwise"]))
        network.append(
            "average", .averagePool(Pooling(kernel: 2, stride: 1, countsPadding: false)))
        network.append("grouped", .convolution(Convolution(outputs: 4, kernel: 1, groups: 2)))
        network.append("pool", .globalAveragePool)
        network.append("fc", .linear(outputs: 5, hasBias: true))
        return try Int8Checkpoints.random(
            Int8Checkpoints.ending(network, dimension: 3, clusters: 2), width: 12, height: 10,
            seed: 8)
    }

    static let seed: UInt64 =
        ProcessInfo.processInfo.environment["DC_FUZZ_SEED"].flatMap { UInt64($0) } ?? 2013

    // 5,000 files, of which some thousand are read: digits change, so that other windows, strides,
    // names and offsets come up; bytes change, come and go, so that it is no longer JSON.
    @Test(arguments: Array(stride(from: 0, to: 5000, by: 250)))
    func changedHeadersAreRefusedOrRun(first: Int) throws {
        let checkpoint = try Self.model()
        let folder = try TemporaryFolder()
        let path = folder.path("model.safetensors")
        try checkpoint.write(to: path)
        let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
        var run = 0
        for index in first..<first + 250 {
            var random = SeededGenerator(seed: Self.seed, stream: UInt64(index))
            let changed = Self.changed(whole, &random)
            try folder.write(changed, to: "model.safetensors")
            let what: Comment = "seed \(Self.seed), case \(index)"
            do throws(CheckpointError) {
                let read = try Checkpoint(contentsOf: path)
                #expect(throws: Never.self, what) { try read.validate() }
                if Self.runs(read, index) { run += 1 }
            } catch {
                #expect(error.path == path, what)
            }
        }
        #expect(run > 5, "seed \(Self.seed), cases from \(first)")
    }

    /// Whether the network is planned, on one row or another; if so, it must run.
    private static func runs(_ checkpoint: Checkpoint, _ index: Int) -> Bool {
        let rows = KernelTable.supported
        guard let plan = try? InferencePlan(checkpoint, using: rows[index % rows.count]) else {
            return false
        }
        // A changed input may be large, and the reference row is slow.
        guard checkpoint.inputShape.count < 10_000 else { return true }
        let pixels = [UInt8](repeating: 77, count: checkpoint.inputShape.count)
        let embedding = plan.embed(pixels.span, count: 1)[0]
        #expect(embedding.vector.allSatisfy { $0.isFinite } && embedding.distance.isFinite)
        return true
    }

    /// The file with one to three bytes of its header, or of the length before it, changed.
    private static func changed(
        _ whole: [UInt8], _ random: inout SeededGenerator
    ) -> [UInt8] {
        let count = whole[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        var header = Array(whole[8..<8 + count])
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let size = header.count
        // Half of the files differ in one digit alone, and so are most of those that can be run.
        let isMild = random.index(below: 2) == 0
        for _ in 0...(isMild ? 0 : random.index(below: 3)) {
            let place = random.index(below: header.count)
            switch isMild ? 4 : random.index(below: 8) {
            case 0: header[place] ^= 1 << UInt8(random.index(below: 8))
            case 1: header[place] = UInt8(random.index(below: 256))
            case 2: header.remove(at: place)
            case 3: header.insert(UInt8(32 + random.index(below: 95)), at: place)
            default:
                let place = header[place...].firstIndex { digits.contains($0) } ?? place
                header[place] = digits.lowerBound + UInt8(random.index(below: 10))
            }
        }
        // The padding makes up for what came and went, else every such file had a wrong size.
        while header.count < size { header.append(UInt8(ascii: " ")) }
        while header.count > size, header.last == UInt8(ascii: " ") { header.removeLast() }
        var bytes = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        if random.index(below: 50) == 0 {
            bytes[random.index(below: 8)] = UInt8(random.index(below: 256))
        }
        return bytes + header + whole[(8 + count)...]
    }

    // The largest multipliers that a file may hold take sums to the ends of the range, and never
    // to infinity less infinity, which has no byte.
    @Test(arguments: KernelTable.supported)
    func theLargestScalesAreRun(table: KernelTable) throws {
        var checkpoint = try Self.model()
        let largest = Float(0x1p96)
        for (layer, outputs) in [("conv1", 6), ("depthwise", 6), ("fc", 5), ("projection", 3)] {
            let before = checkpoint.network.layer(layer)?.inputs[0] ?? ""
            let after = layer == "projection" ? 1 : checkpoint.format(layer).scale
            let scale = largest / 2 * after / checkpoint.format(before).scale
            checkpoint.tensors["\(layer).weight_scale"] = .float32(
                Tensor(repeating: scale, shape: [outputs]))
        }
        var format = checkpoint.format("add")
        format.scale = 0x1p-90
        checkpoint.set("add", format)
        let plan = try InferencePlan(checkpoint, using: table)
        let result = plan.embed([UInt8](repeating: 200, count: 360).span, count: 1)[0]
        #expect(result.vector.allSatisfy { $0.isFinite } && result.distance.isFinite)
    }

    // A window of 200×200 on a map of 2,048×2,048: 120 kB of weights, 2.7 GB of offsets.
    @Test func tablesBeyondReachAreRefused() throws {
        let network = Int8Checkpoints.ending(
            Network(
                layers: [
                    Layer(
                        "wide", .convolution(Convolution(outputs: 1, kernel: 200)),
                        inputs: [Network.input]),
                    Layer("pool", .globalAveragePool, inputs: ["wide"]),
                ], feature: "pool"), dimension: 2, clusters: 2)
        let checkpoint = try Int8Checkpoints.random(network, width: 2048, height: 2048, seed: 1)
        let error = #expect(throws: InferenceError.self) { try InferencePlan(checkpoint) }
        guard case .unsupportedLayer("wide", let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("the limit is \(Int32.max)"))
    }

    // The padded copy that whole rows are gathered from has 8,190 rows and columns beside the map's.
    @Test func paddingBeyondReachIsRefused() throws {
        var wide = Convolution(outputs: 1, kernel: 1, stride: 4096, padding: Padding(4095))
        wide.kernelWidth = 4
        let network = Int8Checkpoints.ending(
            Network(
                layers: [Layer("wide", .convolution(wide), inputs: [Network.input])],
                feature: "wide"), dimension: 2, clusters: 2)
        let checkpoint = try Int8Checkpoints.random(network, width: 4096, height: 4096, seed: 1)
        let error = #expect(throws: InferenceError.self) {
            try InferencePlan(checkpoint, batch: 16)
        }
        guard case .tooLarge = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    // The deepest graph that is read: planning it must not take the square of its length.
    @Test func deepGraphsArePlanned() throws {
        var network = Network(layers: [], feature: "pool")
        network.append("conv", .convolution(Convolution(outputs: 4, kernel: 3)))
        for index in 0..<4090 {
            network.append("max\(index)", .maxPool(Pooling(kernel: 1, stride: 1)))
        }
        network.append("pool", .globalAveragePool)
        let checkpoint = try Int8Checkpoints.random(
            Int8Checkpoints.ending(network, dimension: 2, clusters: 2), width: 6, height: 6,
            seed: 1)
        let plan = try InferencePlan(checkpoint)
        #expect(plan.embed([UInt8](repeating: 9, count: 108).span, count: 1).count == 1)
        #expect(plan.peakMemory < 1 << 20)
    }
}
