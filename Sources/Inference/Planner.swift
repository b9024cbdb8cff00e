import Kernels
import Model
import Tensors

/// Turns a checkpoint into a program: shapes and formats, memory, then one step a layer.
struct Planner {
    /// The shape of every layer's output for one picture.
    let shapes: [String: Shape]

    /// What steps take their weights from; all else is read at the beginning.
    var checkpoint: Checkpoint
    private let batch: Int
    private let table: KernelTable
    private let formats: [String: ActivationFormat]
    private let slots: [String: ActivationSlot]
    /// The padded copies of inputs, by the layer that reads them.
    private let copies: [String: ActivationSlot]
    let arena: Arena
    private let accumulators: AlignedMemory<Int32>
    /// The three layers at the end.
    private let ending: (projection: Layer, centroids: Layer)
    /// The sums that are added up as the convolution right before them is written, by its name.
    private let sums: [String: Layer]

    /// A planner that keeps every layer's output apart where `keepsLayers` says so.
    init(
        _ checkpoint: Checkpoint, batch: Int, keepsLayers: Bool, table: KernelTable
    ) throws(InferenceError) {
        guard checkpoint.precision == .int8 else {
            throw .checkpoint(.wrongPrecision(found: checkpoint.precision, needed: .int8))
        }
        do {
            try checkpoint.validate()
            shapes = try checkpoint.network.outputShapes(input: checkpoint.inputShape)
        } catch let error as CheckpointError.Reason {
            throw .checkpoint(error)
        } catch let error as NetworkError {
            throw .checkpoint(.network(error))
        } catch {
            preconditionFailure("unexpected \(error)")
        }
        self.checkpoint = checkpoint
        self.batch = batch
        self.table = table
        ending = try Self.ending(of: checkpoint.network)
        formats = try Self.formats(of: checkpoint)

        try Self.checkTables(checkpoint.network, shapes)
        sums = keepsLayers ? [:] : Self.sums(checkpoint.network, shapes)
        let memory = Self.reservations(checkpoint.network, shapes, sums)
        let layout = ArenaLayout(memory.map(\.reservation))
        guard layout.stride <= Self.limit / batch else {
            throw .tooLarge(bytes: layout.stride * batch, limit: Self.limit)
        }
        arena = Arena(byteCount: layout.stride * batch)
        var slots: [String: ActivationSlot] = [:]
        var copies: [String: ActivationSlot] = [:]
        for (index, entry) in memory.enumerated() {
            let slot = layout.slot(index, entry.reservation)
            if entry.isCopy { copies[entry.layer] = slot } else { slots[entry.layer] = slot }
        }
        (self.slots, self.copies) = (slots, copies)
        accumulators = AlignedMemory(count: batch * (shapes[ending.projection.name]?.count ?? 0))
    }

    /// Builds every step, or those of some layers, to be run by so many threads.
    func program(threads: Int, layers: Range<Int>? = nil) throws(InferenceError) -> Program {
        var program = Program(
            arena: arena,
            pixels: PixelTable(
                normalized: checkpoint.input.normalizationTable(), format: format(Network.input)),
            input: slot(Network.input), projected: slot(ending.projection.inputs[0]), stages: [],
            accumulators: accumulators,
            head: try head())
        let merged = Set(sums.values.map(\.name))
        let all = checkpoint.network.layers
        for layer in all[layers ?? all.indices] where !merged.contains(layer.name) {
            if case .linear = layer.kind {
                program.stages.append(.batch(try batchStep(layer)))
            } else if let step = try pictureStep(layer) {
                if case .pictures(let steps) = program.stages.last {
                    program.stages[program.stages.count - 1] = .pictures(steps + [step])
                } else {
                    program.stages.append(.pictures([step]))
                }
            }
        }
        let scratchCount = program.scratchCount
        program.scratch = (0..<threads).map { _ in Scratch(byteCount: scratchCount) }
        return program
    }

    /// The layers that a plan which ends with one of them runs.
    func layers(through last: String) -> Range<Int> {
        let layers = checkpoint.network.layers
        return 0..<(layers.firstIndex { $0.name == last }.map { $0 + 1 } ?? layers.count)
    }

    private func format(_ layer: String) -> ActivationFormat {
        guard let format = formats[layer] else {
            preconditionFailure("'\(layer)' has no format, though the checkpoint is valid")
        }
        return format
    }

    func slot(_ layer: String) -> ActivationSlot {
        guard let slot = slots[layer] else {
            preconditionFailure("'\(layer)' has no slot, though the checkpoint is valid")
        }
        return slot
    }
}

// MARK: - Checks

extension Planner {
    /// The projection and the centroids, of which there must be one each.
    ///
    /// That centroids follow a normalization and that one a projection, a valid checkpoint
    /// ensures.
    private static func ending(
        of network: Network
    ) throws(InferenceError) -> (projection: Layer, centroids: Layer) {
        let centroids = network.layers.filter {
            if case .centroids = $0.kind { true } else { false }
        }
        let projections = network.layers.filter { network.isProjection($0) }
        guard centroids.count == 1, let projection = projections.first else {
            throw .noClusters(found: centroids.count)
        }
        guard projections.count == 1 else {
            throw .unsupportedLayer(
                layer: projections[1].name,
                reason: "'\(projection.name)' is a projection already, and there can be one")
        }
        return (projection, centroids[0])
    }

    private static func formats(
        of checkpoint: Checkpoint
    ) throws(InferenceError) -> [String: ActivationFormat] {
        var formats: [String: ActivationFormat] = [:]
        let quantized = checkpoint.network.layers.filter { checkpoint.network.isQuantized($0) }
        for name in [Network.input] + quantized.map(\.name) {
            let scale = try read { () throws(CheckpointError) in
                try checkpoint.float("\(name).output_scale")
            }
            let range = try read { () throws(CheckpointError) in
                try checkpoint.int32("\(name).output_range")
            }
            formats[name] = ActivationFormat(
                scale: scale.elements[0], zeroPoint: Int(range.elements[0]),
                low: Int(range.elements[1]), high: Int(range.elements[2]))
        }
        return formats
    }

    /// Reads a tensor that a valid checkpoint has.
    static func read<T>(_ body: () throws(CheckpointError) -> T) throws(InferenceError) -> T {
        do throws(CheckpointError) {
            return try body()
        } catch {
            throw .checkpoint(error.reason)
        }
    }
}

// MARK: - Memory

extension Planner {
    private typealias Entry = (
        layer: String, isCopy: Bool, reservation: ArenaLayout.Reservation
    )

    /// The sums right behind a convolution whose output nothing else reads.
    private static func sums(_ network: Network, _ shapes: [String: Shape]) -> [String: Layer] {
        var sums: [String: Layer] = [:]
        var reads: [String: Int] = [:]
        for name in network.layers.flatMap(\.inputs) { reads[name, default: 0] += 1 }
        for (layer, next) in zip(network.layers, network.layers.dropFirst()) {
            guard case .convolution(let convolution) = layer.kind, next.kind == .add,
                convolution.groups == 1 || shapes[layer.inputs[0]]?[2] != convolution.groups,
                reads[layer.name] == 1, next.inputs.contains(layer.name)
            else { continue }
            sums[layer.name] = next
        }
        return sums
    }

    /// One reservation for every u8 activation and every padded copy.
    private static func reservations(
        _ network: Network, _ shapes: [String: Shape], _ sums: [String: Layer]
    ) -> [Entry] {
        var entries: [Entry] = []
        func reserve(_ name: String, writtenAt first: Int) {
            guard let shape = shapes[name] else { return }
            let last = network.layers.lastIndex { $0.inputs.contains(name) } ?? first
            entries.append(
                (
                    name, false,
                    ArenaLayout.Reservation(
                        count: shape.count, margin: shape.rank == 3 ? shape[2] : 0,
                        lifetime: first...max(first, last))
                ))
        }
        reserve(Network.input, writtenAt: -1)
        for (index, layer) in network.layers.enumerated() where network.isQuantized(layer) {
            // A sum is written one layer earlier where the convolution before it does that.
            if sums[layer.name] == nil {
                let isMerged = index > 0 && sums[network.layers[index - 1].name] == layer
                reserve(layer.name, writtenAt: isMerged ? index - 1 : index)
            }
            if let input = shapes[layer.inputs[0]],
                let count = ConvolutionGeometry(layer.kind, on: input)?.paddedCopyCount
            {
                entries.append(
                    (
                        layer.name, true,
                        ArenaLayout.Reservation(count: count, margin: 0, lifetime: index...index)
                    ))
            }
        }
        return entries
    }
}

// MARK: - Steps

extension Planner {
    private func head() throws(InferenceError) -> EmbeddingHead {
        let projection = ending.projection
        let scales = try Self.read { () throws(CheckpointError) in
            try checkpoint.float("\(projection.name).weight_scale")
        }
        let centroids = try Self.read { () throws(CheckpointError) in
            try checkpoint.float("\(ending.centroids.name).weight")
        }
        return EmbeddingHead(
            inputScale: format(projection.inputs[0]).scale, weightScales: scales.elements.span,
            centroids: centroids, using: table)
    }

    private func batchStep(_ layer: Layer) throws(InferenceError) -> BatchStep {
        let weights = try weights(of: layer.name)
        let isProjection = layer.name == ending.projection.name
        let linear = IntegerLinear(
            weights: weights.values.span, bias: weights.bias.span,
            weightScales: weights.scales.span, from: slot(layer.inputs[0]), batch: batch,
            input: format(layer.inputs[0]), output: isProjection ? nil : format(layer.name),
            using: table)
        return BatchStep(
            layer: layer.name, linear: linear,
            output: isProjection
                ? .accumulators(accumulators) : .activation(slot(layer.name)),
            arena: arena)
    }

    /// The step of a layer that works picture by picture, or `nil` for the end, which the head
    /// computes.
    private func pictureStep(_ layer: Layer) throws(InferenceError) -> PictureStep? {
        guard let operation = try operation(layer) else { return nil }
        let name = sums[layer.name]?.name ?? layer.name
        return PictureStep(
            layer: name, operation: operation, input: slot(layer.inputs[0]),
            output: slot(name), arena: arena)
    }

    private func operation(_ layer: Layer) throws(InferenceError) -> PictureStep.Operation? {
        let input = shapes[layer.inputs[0]] ?? []
        switch layer.kind {
        case .sobel, .convolution:
            return try convolution(layer, on: input)
        case .maxPool(let pooling):
            let (before, after) = (format(layer.inputs[0]), format(layer.name))
            guard before.scale == after.scale, before.zeroPoint == after.zeroPoint else {
                throw .unsupportedLayer(
                    layer: layer.name, reason: "a maximum has the scale of its input")
            }
            return .pool(IntegerPool(maximum: PoolGeometry(pooling, on: input), using: table))
        case .averagePool(let pooling):
            return try average(
                layer, PoolGeometry(pooling, on: input), countsPadding: pooling.countsPadding)
        case .globalAveragePool:
            let geometry = PoolGeometry.global(
                height: input[0], width: input[1], channels: input[2])
            return try average(layer, geometry, countsPadding: true)
        case .add:
            let addition = IntegerAddition(
                first: format(layer.inputs[0]), second: format(layer.inputs[1]),
                output: format(layer.name), using: table)
            return .addition(addition, with: slot(layer.inputs[1]))
        case .l2Normalize, .centroids:
            return nil
        case .linear, .batchNorm, .relu, .relu6, .dropout:
            throw .unsupportedLayer(
                layer: layer.name, reason: "int8 networks have no layer of this kind here")
        }
    }

    private func average(
        _ layer: Layer, _ geometry: PoolGeometry, countsPadding: Bool
    ) throws(InferenceError) -> PictureStep.Operation {
        guard geometry.kernelHeight * geometry.kernelWidth * 255 <= Int(Int32.max) else {
            throw .unsupportedLayer(
                layer: layer.name, reason: "the sum over its window could overflow 32 bits")
        }
        return .pool(
            IntegerPool(
                average: geometry, countsPadding: countsPadding, input: format(layer.inputs[0]),
                output: format(layer.name), using: table))
    }

    private func convolution(
        _ layer: Layer, on input: Shape
    ) throws(InferenceError) -> PictureStep.Operation {
        guard let geometry = ConvolutionGeometry(layer.kind, on: input) else {
            preconditionFailure("'\(layer.name)' is no convolution")
        }
        let weights = layer.kind == .sobel ? .sobel : try weights(of: layer.name)
        let sum = sums[layer.name].map { sum in
            let other = sum.inputs[0] == layer.name ? sum.inputs[1] : sum.inputs[0]
            let addition = IntegerAddition(
                first: format(layer.name), second: format(other), output: format(sum.name),
                using: table)
            return (addition: addition, other: slot(other))
        }
        let convolution = IntegerConvolution(
            geometry, filters: weights.values.span, bias: weights.bias.span,
            weightScales: weights.scales.span, input: format(layer.inputs[0]),
            output: format(layer.name), using: sum?.addition.table ?? table)
        return .convolution(convolution, copy: copies[layer.name], sum: sum)
    }

    private func weights(of layer: String) throws(InferenceError) -> IntegerWeights {
        try Self.read { () throws(CheckpointError) in
            IntegerWeights(
                values: try checkpoint.int8("\(layer).weight").elements,
                bias: try checkpoint.int32("\(layer).bias").elements,
                scales: try checkpoint.float("\(layer).weight_scale").elements)
        }
    }
}
