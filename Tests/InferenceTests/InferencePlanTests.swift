import Inference
import Kernels
import Model
import Tensors
import Testing

struct InferencePlanTests {
    // Random graphs: every layer's bytes and the embedding equal the straight interpretation, on
    // every row, alone and in a batch, with one thread and with several.
    @Test(arguments: 0..<60 as Range<UInt64>)
    func everyRowGivesTheDefinedBytes(seed: UInt64) throws {
        var random = SeededGenerator(seed: 50, stream: seed)
        let (width, height) = (6 + random.index(below: 9), 6 + random.index(below: 9))
        let network = RandomNetworks.network(width: width, height: height, seed: seed)
        let checkpoint = try Int8Checkpoints.random(
            network, width: width, height: height, weightBits: 7 + random.index(below: 2),
            seed: seed)
        let count = 1 + random.index(below: 3)
        let pixels = Int8Checkpoints.pixels(checkpoint, count: count, seed: seed)
        let size = pixels.count / count
        let interpreter = try Interpreter(checkpoint)
        let expected = try (0..<count).map {
            try interpreter.run(Array(pixels[$0 * size..<($0 + 1) * size]))
        }
        for (table, keepsLayers) in KernelTable.supported.flatMap({ [($0, true), ($0, false)] }) {
            let plan = try InferencePlan(
                checkpoint, batch: 3, threads: 1 + random.index(below: 3),
                keepsLayers: keepsLayers, using: table)
            let outputs = plan.outputs(pixels.span, count: count)
            if keepsLayers {
                #expect(Set(outputs.keys) == Set(expected[0].outputs.keys), "seed \(seed)")
            }
            for (name, tensor) in outputs {
                #expect(
                    tensor.elements == expected.flatMap { $0.outputs[name] ?? [] },
                    "seed \(seed), row \(table), layer '\(name)' of \(network.layers)")
            }
            let found = plan.embed(pixels.span, count: count)
            #expect(found == expected.map(\.embedding), "seed \(seed), row \(table)")
        }
    }

    /// A network whose layers are large enough to be cut into parts, by rows and by filters.
    static func largeEnoughToSplit() throws -> Checkpoint {
        var network = Network(layers: [], feature: "fc")
        for (index, outputs) in [32, 64, 128].enumerated() {
            network.append(
                "conv\(index)",
                .convolution(Convolution(outputs: outputs, kernel: 3, padding: Padding(1))))
            network.append("pool\(index)", .maxPool(Pooling(kernel: 2, stride: 2)))
        }
        network.append("fc", .linear(outputs: 200, hasBias: true))
        return try Int8Checkpoints.random(
            Int8Checkpoints.ending(network, dimension: 48, clusters: 20), width: 32, height: 40,
            seed: 3)
    }

    @Test(arguments: KernelTable.supported)
    func threadsAndBatchesChangeNothing(table: KernelTable) throws {
        let checkpoint = try Self.largeEnoughToSplit()
        let pixels = Int8Checkpoints.pixels(checkpoint, count: 5, seed: 4)
        let size = pixels.count / 5
        let single = try InferencePlan(checkpoint, using: .supported[0])
        let expected = (0..<5).flatMap {
            single.embed(pixels.span.extracting($0 * size..<($0 + 1) * size), count: 1)
        }
        for (batch, threads) in [(5, 1), (5, 2), (5, 3), (8, 7)] {
            let plan = try InferencePlan(checkpoint, batch: batch, threads: threads, using: table)
            #expect(plan.embed(pixels.span, count: 5) == expected, "\(batch), \(threads)")
            let one = plan.embed(pixels.span.extracting(0..<size), count: 1)
            #expect(one == [expected[0]], "\(batch), \(threads)")
            #expect(plan.embed(pixels.span.extracting(0..<0), count: 0).isEmpty)
        }
    }

    @Test func callsFromSeveralTasksWait() async throws {
        let checkpoint = try Self.largeEnoughToSplit()
        let plan = try InferencePlan(checkpoint, threads: 2)
        let pixels = Int8Checkpoints.pixels(checkpoint, count: 1, seed: 4)
        let expected = plan.embed(pixels.span, count: 1)
        await withTaskGroup(of: [Embedding].self) { group in
            for _ in 0..<8 { group.addTask { plan.embed(pixels.span, count: 1) } }
            for await found in group { #expect(found == expected) }
        }
    }

    // AlexNet keeps its largest activation and the one before it, not all of them.
    @Test func activationsShareTheArena() throws {
        let checkpoint = try Self.largeEnoughToSplit()
        let weights = checkpoint.tensors.values.reduce(0) { $0 + $1.shape.count }
        let small = try InferencePlan(checkpoint, batch: 1)
        let large = try InferencePlan(checkpoint, batch: 11)
        // 40 × 32 × (3 + 32) bytes live at once, and a little for margins and the padded copy.
        let perPicture = (large.peakMemory - small.peakMemory) / 10
        #expect(perPicture > 40 * 32 * 35 && perPicture < 40 * 32 * 35 + 8192)
        #expect(small.peakMemory > weights)
    }
}
