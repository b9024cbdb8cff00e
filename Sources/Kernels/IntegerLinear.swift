/// A linear layer from u8 activations, the pictures of a batch being the rows of one product, so
/// that the weights are read once for all of them.
@safe package struct IntegerLinear: Sendable {
    private let product: IndirectProduct
    private let input: ActivationSlot
    private let offsets: AlignedMemory<Int32>
    private let table: KernelTable

    /// Packs the weights.
    ///
    /// - Parameters:
    ///   - weights: `[outputs, inputs]`.
    ///   - bias: `[outputs]`, in units of accumulators.
    ///   - weightScales: `[outputs]`.
    ///   - slot: Where the input lies, `inputs` bytes a picture.
    ///   - batch: The number of pictures at most.
    ///   - input: How the input's bytes are to be read.
    ///   - output: How the output's bytes are to be written, `nil` for accumulators.
    ///   - table: The kernels to use.
    package init(
        weights: Span<Int8>, bias: Span<Int32>, weightScales: Span<Float>,
        from slot: ActivationSlot, batch: Int, input: ActivationFormat,
        output: ActivationFormat?, using table: KernelTable
    ) {
        let packed = PackedFilters(weights, outputs: bias.count, taps: 1, depth: slot.count)
        let multipliers = (0..<bias.count).map {
            output?.multiplier(input: input, weightScale: weightScales[$0]) ?? 0
        }
        let largest = largestResult(filters: weights, bias: bias, multipliers: multipliers)
        let constants = ChannelConstants(
            bias: bias, filterSums: packed.sums.span, inputZeroPoint: input.zeroPoint,
            multipliers: multipliers)
        product = IndirectProduct(filters: packed, constants: constants, format: output)
        self.input = slot
        offsets = AlignedMemory((0..<batch).map { Int32($0 * slot.stride) })
        self.table = table.bearing(largest)
    }

    /// The number of panels of sixteen outputs.
    package var panels: Int { product.filters.panels }

    /// The bytes taken by packed weights and tables.
    package var byteCount: Int { product.byteCount + offsets.byteCount }

    /// Computes some panels of u8 outputs for the first `pictures` pictures.
    package func run(in arena: Arena, to output: ActivationSlot, pictures: Int, panels: Range<Int>)
    {
        precondition(
            product.format != nil && output.count == product.filters.outputs,
            "\(output) for \(product.filters.outputs) outputs")
        // The last picture's place is checked too.
        _ = unsafe arena.start(of: output, picture: max(pictures, 1) - 1)
        let out = unsafe arena.start(of: output, picture: 0)
        unsafe run(
            in: arena, pictures: pictures, panels: panels,
            to: .bytes(out, stride: output.stride))
    }

    /// Computes some panels of accumulators, `[pictures, outputs]`.
    package func accumulate(
        in arena: Arena, into accumulators: AlignedMemory<Int32>, pictures: Int,
        panels: Range<Int>
    ) {
        precondition(
            product.format == nil && accumulators.count >= pictures * product.filters.outputs,
            "\(accumulators.count) accumulators for \(pictures) pictures")
        unsafe run(
            in: arena, pictures: pictures, panels: panels,
            to: .accumulators(accumulators.base, stride: product.filters.outputs))
    }

    private func run(
        in arena: Arena, pictures: Int, panels: Range<Int>,
        to destination: IndirectProduct.Destination
    ) {
        guard pictures > 0 else { return }
        _ = unsafe arena.start(of: input, picture: pictures - 1)
        unsafe product.run(
            base: arena.start(of: input, picture: 0), offsets: offsets,
            offsetStride: offsets.count, rows: 0..<pictures, panels: panels, block: pictures,
            to: destination, using: table)
    }
}
