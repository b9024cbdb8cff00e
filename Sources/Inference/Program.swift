import Kernels

/// A planned network: what to run, in which order, on which memory.
struct Program: Sendable {
    /// Layers of one picture in a row, or a layer of the whole batch.
    enum Stage: Sendable {
        case pictures([PictureStep])
        case batch(BatchStep)
    }

    /// What threads share out.
    enum Job: Sendable {
        /// The input, the pictures' pixels cut into parts.
        case pixels(PixelSource, parts: Int)
        /// All layers of a stage, one picture a task: the picture's activations stay in the
        /// cache from layer to layer.
        case stage(Int)
        /// The padded copy that a layer reads, cut into parts.
        case padding(stage: Int, index: Int, parts: Int)
        /// One layer, its pictures cut into parts.
        case step(stage: Int, index: Int, parts: Int)
        /// One layer of the whole batch.
        case batch(stage: Int, pictures: Int, parts: Int)
    }

    let arena: Arena
    let pixels: PixelTable
    let input: ActivationSlot
    /// What the projection reads; nothing after it is written there.
    let projected: ActivationSlot
    var stages: [Stage]
    let accumulators: AlignedMemory<Int32>
    let head: EmbeddingHead
    /// One for each thread.
    var scratch: [Scratch] = []

    /// The bytes of scratch that each thread needs.
    var scratchCount: Int {
        stages.map { stage in
            guard case .pictures(let steps) = stage else { return 0 }
            return steps.map(\.scratchCount).max() ?? 0
        }.max() ?? 0
    }

    /// Performs one task of a job.
    func perform(_ job: Job, task: Int, worker: Int) {
        switch job {
        case .pixels(let source, let parts):
            let some = (0..<input.count / 3).part(task % parts, of: parts, step: 64)
            source.withPicture(task / parts, count: input.count) {
                pixels.run($0, pixels: some, in: arena, to: input, number: task / parts)
            }
        case .stage(let stage):
            guard case .pictures(let steps) = stages[stage] else { return }
            for step in steps {
                step.fillMargin(picture: task)
                step.pad(picture: task, part: 0, of: 1)
                step.run(picture: task, part: 0, of: 1, scratch: scratch[worker])
            }
        case .padding(let stage, let index, let parts):
            guard case .pictures(let steps) = stages[stage] else { return }
            steps[index].pad(picture: task / parts, part: task % parts, of: parts)
        case .step(let stage, let index, let parts):
            guard case .pictures(let steps) = stages[stage] else { return }
            steps[index].run(
                picture: task / parts, part: task % parts, of: parts, scratch: scratch[worker])
        case .batch(let stage, let pictures, let parts):
            guard case .batch(let step) = stages[stage] else { return }
            step.run(pictures: pictures, part: task, of: parts)
        }
    }

    /// Brings the input of the first `pictures` pictures into the arena.
    func load(_ pixels: Span<UInt8>, pictures: Int, on crew: Crew<Job>) {
        unsafe pixels.withUnsafeBufferPointer { pixels in
            let source = unsafe PixelSource(pixels)
            crew.run(
                .pixels(source, parts: crew.threads), tasks: pictures * crew.threads)
        }
    }

    /// Runs every layer on the first `pictures` pictures, whose input is in the arena.
    func run(pictures: Int, on crew: Crew<Job>) {
        for (index, stage) in stages.enumerated() {
            if case .pictures = stage, pictures >= crew.threads {
                crew.run(.stage(index), tasks: pictures)
            } else {
                runLayers(of: index, pictures: pictures, on: crew) { _, _ in }
            }
        }
    }

    /// Runs a stage layer by layer, calling `finished` after each with what it wrote to; the
    /// projection's accumulators have no slot.
    func runLayers(
        of index: Int, pictures: Int, on crew: Crew<Job>,
        finished: (_ layer: String, _ output: ActivationSlot?) -> Void
    ) {
        switch stages[index] {
        case .pictures(let steps):
            for (number, step) in steps.enumerated() {
                for picture in 0..<pictures { step.fillMargin(picture: picture) }
                if step.hasPadding {
                    crew.run(
                        .padding(stage: index, index: number, parts: crew.threads),
                        tasks: pictures * crew.threads)
                }
                let parts = step.parts(threads: crew.threads)
                crew.run(
                    .step(stage: index, index: number, parts: parts), tasks: pictures * parts)
                finished(step.layer, step.output)
            }
        case .batch(let step):
            let parts = step.parts(threads: crew.threads)
            crew.run(.batch(stage: index, pictures: pictures, parts: parts), tasks: parts)
            if case .activation(let slot) = step.output {
                finished(step.layer, slot)
            } else {
                finished(step.layer, nil)
            }
        }
    }

    /// The bytes of weights, tables and activations.
    var byteCount: Int {
        let fixed =
            scratch.reduce(arena.byteCount + accumulators.byteCount + head.byteCount) {
                $0 + $1.byteCount
            }
        return stages.reduce(fixed) { sum, stage in
            switch stage {
            case .pictures(let steps): steps.reduce(sum) { $0 + $1.byteCount }
            case .batch(let step): sum + step.linear.byteCount
            }
        }
    }
}

/// The pixels of some pictures, `[pictures, height, width, 3]`, lent to other threads for as long
/// as the one that has them waits.
@safe struct PixelSource: @unchecked Sendable {
    private let bytes: UnsafeBufferPointer<UInt8>

    @unsafe init(_ bytes: UnsafeBufferPointer<UInt8>) { unsafe self.bytes = bytes }

    /// Calls `body` with one picture of `count` bytes.
    func withPicture(_ number: Int, count: Int, _ body: (Span<UInt8>) -> Void) {
        body(unsafe bytes.span.extracting(number * count..<(number + 1) * count))
    }
}
