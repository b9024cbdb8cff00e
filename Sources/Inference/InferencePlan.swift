package import Kernels
public import Model
import Synchronization
package import Tensors

/// An int8 network, planned once and run many times: pixels → embedding and cluster.
///
/// Planning packs the weights and lays out all memory; running allocates only its results. The
/// bytes of an embedding are the same on every instruction set, for every batch and every number
/// of threads. Calls from several threads wait for each other.
public final class InferencePlan: Sendable {
    /// The number of pictures that one call takes at most.
    public let batch: Int
    /// The number of threads that work on a call, the caller's included.
    public let threads: Int
    /// The number of dimensions of an embedding.
    public let dimension: Int
    /// The name of the instruction set in use, as `DC_ISA` takes it.
    public let instructionSet: String

    private let program: Program
    private let crew: Crew<Program.Job>
    private let shapes: [String: Shape]
    private let pixelCount: Int
    /// Scratch for distances to centroids; who holds it has the arena too.
    private let distances: Mutex<[Float]>

    /// The most threads and the largest batch that can be asked for.
    static let limits = (threads: 1...256, batch: 1...4096)

    /// Plans the network of an int8 checkpoint.
    ///
    /// - Parameters:
    ///   - checkpoint: An int8 checkpoint whose network ends in a projection, a normalization
    ///     and centroids.
    ///   - batch: The number of pictures that one call takes at most.
    ///   - threads: How many threads work on a call.
    ///   - keepsLayers: Whether every layer's output is kept apart, as `outputs` and `layerTimes`
    ///     want it, instead of being added to another as it is written.
    /// - Throws: `InferenceError` with the layer or setting that cannot be used.
    public convenience init(
        _ checkpoint: Checkpoint, batch: Int = 1, threads: Int = 1, keepsLayers: Bool = false
    ) throws(InferenceError) {
        try self.init(
            checkpoint, batch: batch, threads: threads, keepsLayers: keepsLayers,
            using: Self.currentTable())
    }

    /// Plans a network up to a layer, behind which nothing is wanted: neither `embed` nor
    /// `layerTimes` may be called.
    package convenience init(
        _ checkpoint: Checkpoint, batch: Int, threads: Int, keepsLayers: Bool,
        through layer: String
    ) throws(InferenceError) {
        try self.init(
            checkpoint, batch: batch, threads: threads, keepsLayers: keepsLayers, through: layer,
            using: Self.currentTable())
    }

    /// The instruction set that a plan uses on this machine, and all that it could use, the fastest
    /// first, as `DC_ISA` takes them.
    ///
    /// - Throws: `InferenceError.instructionSet` if `DC_ISA` names none of them.
    public static func instructionSets() throws(InferenceError) -> (used: String, all: [String]) {
        (try currentTable().name, KernelTable.supported.map(\.name))
    }

    static func currentTable() throws(InferenceError) -> KernelTable {
        do {
            return try KernelTable.current()
        } catch {
            throw .instructionSet(error.description)
        }
    }

    /// Plans a network on a row of the kernel table.
    package init(
        _ checkpoint: Checkpoint, batch: Int = 1, threads: Int = 1, keepsLayers: Bool = false,
        through last: String? = nil, using table: KernelTable
    ) throws(InferenceError) {
        for (name, value, allowed) in [
            ("batch", batch, Self.limits.batch), ("threads", threads, Self.limits.threads),
        ] where !allowed.contains(value) {
            throw .invalidSetting(name: name, value: value, allowed: allowed)
        }
        let planner = try Planner(
            checkpoint, batch: batch, keepsLayers: keepsLayers, table: table)
        let program = try planner.program(
            threads: threads, layers: last.map { planner.layers(through: $0) })
        self.batch = batch
        self.threads = threads
        self.program = program
        shapes = planner.shapes
        pixelCount = program.input.count
        dimension = program.head.dimension
        instructionSet = table.name
        distances = Mutex([Float](repeating: 0, count: program.head.scratchCount))
        crew = Crew(threads: threads) { program.perform($0, task: $1, worker: $2) }
    }

    /// The bytes that this plan takes, now and at any time: packed weights, tables, activations.
    public var peakMemory: Int { program.byteCount + program.head.scratchCount * 4 }

    /// The embedding and the cluster of each picture.
    ///
    /// - Parameters:
    ///   - pixels: `[count, height, width, 3]`, u8 RGB of the size that the checkpoint's input
    ///     names.
    ///   - count: The number of pictures, at most `batch`.
    /// - Returns: One embedding a picture.
    public func embed(_ pixels: Span<UInt8>, count: Int) -> [Embedding] {
        distances.withLock { distances in
            load(pixels, count: count)
            program.run(pictures: count, on: crew)
            return (0..<count).map {
                program.head.embedding(
                    of: program.accumulators, picture: $0, distances: &distances)
            }
        }
    }

    /// What the projection reads of each picture, in 8 bits.
    ///
    /// - Parameters:
    ///   - pixels: As `embed` takes them.
    ///   - count: The number of pictures, at most `batch`.
    /// - Returns: A row for each picture, behind one another.
    package func projectionInputs(_ pixels: Span<UInt8>, count: Int) -> [UInt8] {
        distances.withLock { _ in
            load(pixels, count: count)
            program.run(pictures: count, on: crew)
            return (0..<count).flatMap { program.arena.read(program.projected, picture: $0) }
        }
    }

    /// The u8 outputs of layers and of the input, `[count] + shape`.
    ///
    /// Without `keepsLayers` the convolutions that are merged with the sum behind them are absent.
    ///
    /// - Parameters:
    ///   - pixels: As `embed` takes them.
    ///   - count: The number of pictures, at most `batch`.
    /// - Returns: The outputs by the names of their layers.
    package func outputs(_ pixels: Span<UInt8>, count: Int) -> [String: Tensor<UInt8>] {
        distances.withLock { _ in
            load(pixels, count: count)
            var outputs: [String: Tensor<UInt8>] = [:]
            func capture(_ layer: String, _ slot: ActivationSlot?) {
                guard let slot else { return }
                let bytes = (0..<count).flatMap { program.arena.read(slot, picture: $0) }
                let shape = shapes[layer, default: [slot.count]]
                outputs[layer] = Tensor(bytes, shape: Shape([count] + shape.extents))
            }
            capture(Network.input, program.input)
            for stage in program.stages.indices {
                program.runLayers(of: stage, pictures: count, on: crew, finished: capture)
            }
            return outputs
        }
    }

    /// How long each step of one call takes, layer by layer in order.
    ///
    /// The first entry is the input's normalization, the last the vector's length and its place
    /// among the centroids. Every layer is run on all pictures before the next, also where
    /// `embed` would take picture after picture through several layers.
    ///
    /// - Parameters:
    ///   - pixels: As `embed` takes them.
    ///   - count: The number of pictures, at most `batch`.
    /// - Returns: Names of layers, the input's and `"embedding"`, each with its wall-clock time.
    public func layerTimes(
        _ pixels: Span<UInt8>, count: Int
    ) -> [(layer: String, time: Duration)] {
        distances.withLock { distances in
            var times: [(layer: String, time: Duration)] = []
            var last = ContinuousClock.now
            func finish(_ layer: String) {
                let now = ContinuousClock.now
                times.append((layer, now - last))
                last = .now
            }
            load(pixels, count: count)
            finish(Network.input)
            for stage in program.stages.indices {
                program.runLayers(of: stage, pictures: count, on: crew) { layer, _ in
                    finish(layer)
                }
            }
            for picture in 0..<count {
                _ = program.head.embedding(
                    of: program.accumulators, picture: picture, distances: &distances)
            }
            finish("embedding")
            return times
        }
    }

    private func load(_ pixels: Span<UInt8>, count: Int) {
        precondition(
            count >= 0 && count <= batch && pixels.count == count * pixelCount,
            "\(pixels.count) bytes for \(count) of at most \(batch) pictures of \(pixelCount)")
        program.load(pixels, pictures: count, on: crew)
    }
}
