import Kernels
package import Model
package import Tensors

/// A run of an int8 network that goes on when it is told to, so that the weights and biases of the
/// layers still to come may depend on what those before them give.
package struct LayerwiseRun {
    private var planner: Planner
    private let shapes: [String: Shape]
    private let pictures: Int
    private let threads: Int
    /// The number of layers that were run.
    private var done = 0

    /// Brings pictures before the first layer.
    ///
    /// - Parameters:
    ///   - checkpoint: An int8 checkpoint, as `InferencePlan` takes it.
    ///   - pixels: `[n, height, width, 3]`, u8 RGB of the size that the checkpoint's input names.
    ///   - threads: How many threads share the work.
    /// - Throws: `InferenceError` where the network cannot be run.
    package init(
        _ checkpoint: Checkpoint, pixels: Tensor<UInt8>, threads: Int
    ) throws(InferenceError) {
        pictures = pixels.shape[0]
        self.threads = threads
        planner = try Planner(
            checkpoint, batch: pictures, keepsLayers: true, table: InferencePlan.currentTable())
        shapes = planner.shapes
        let (program, crew) = try prepare(0..<0)
        program.load(pixels.elements.span, pictures: pictures, on: crew)
    }

    /// Runs the layers before one that were not run yet.
    ///
    /// - Parameters:
    ///   - layer: The layer to stop at.
    ///   - checkpoint: The checkpoint that the run began with, but for the weights and biases of
    ///     these layers.
    /// - Throws: `InferenceError` where they cannot be run.
    package mutating func advance(
        to layer: String, with checkpoint: Checkpoint
    ) throws(InferenceError) {
        guard let end = checkpoint.network.layers.firstIndex(where: { $0.name == layer }),
            end > done
        else { return }
        planner.checkpoint = checkpoint
        let (program, crew) = try prepare(done..<end)
        program.run(pictures: pictures, on: crew)
        done = end
    }

    private func prepare(
        _ layers: Range<Int>
    ) throws(InferenceError) -> (program: Program, crew: Crew<Program.Job>) {
        let program = try planner.program(threads: threads, layers: layers)
        return (program, Crew(threads: threads) { program.perform($0, task: $1, worker: $2) })
    }

    /// The output of a layer or the input, `[n] + shape`, in 8 bits.
    ///
    /// - Parameter layer: One that was run and that a layer which was not run reads.
    /// - Returns: The values.
    package func output(of layer: String) -> Tensor<UInt8> {
        let slot = planner.slot(layer)
        let bytes = (0..<pictures).flatMap { planner.arena.read(slot, picture: $0) }
        let shape = shapes[layer, default: [slot.count]]
        return Tensor(bytes, shape: Shape([pictures] + shape.extents))
    }
}
