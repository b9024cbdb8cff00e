internal import CKernels

/// A convolution from u8 to u8 activations, `acc = bias + Σ(x − zx)·w`, requantized as it leaves
/// its tile: dense, grouped or depthwise.
@safe package struct IntegerConvolution: Sendable {
    /// The extents.
    package let geometry: ConvolutionGeometry
    private let inputZeroPoint: Int
    private let offsets: AlignedMemory<Int32>
    private let body: Body
    private let table: KernelTable

    private enum Body: Sendable {
        case groups([IndirectProduct])
        case depthwise(DepthwiseFilters)
    }

    /// Packs the filters and lays out the table of offsets.
    ///
    /// - Parameters:
    ///   - geometry: The extents.
    ///   - filters: `[outputs, kernelHeight, kernelWidth, channels / groups]`.
    ///   - bias: `[outputs]`, in units of accumulators.
    ///   - weightScales: `[outputs]`.
    ///   - input: How the input's bytes are to be read.
    ///   - output: How the output's bytes are to be written.
    ///   - table: The kernels to use.
    package init(
        _ geometry: ConvolutionGeometry, filters: Span<Int8>, bias: Span<Int32>,
        weightScales: Span<Float>, input: ActivationFormat, output: ActivationFormat,
        using table: KernelTable
    ) {
        let g = geometry
        precondition(
            filters.count == g.weights && bias.count == g.outputs
                && weightScales.count == g.outputs,
            "\(filters.count) weights, \(bias.count) biases and \(weightScales.count) scales "
                + "for \(g)")
        self.geometry = g
        self.table = table
        inputZeroPoint = input.zeroPoint
        offsets = g.offsets()
        let multipliers = (0..<g.outputs).map {
            output.multiplier(input: input, weightScale: weightScales[$0])
        }
        if g.isDepthwise {
            body = .depthwise(
                DepthwiseFilters(
                    filters, channels: g.channels, taps: g.taps, bias: bias,
                    inputZeroPoint: input.zeroPoint, multipliers: multipliers, format: output))
        } else {
            let size = g.outputs / g.groups
            body = .groups(
                (0..<g.groups).map { group in
                    let channels = group * size..<(group + 1) * size
                    let weights = filters.count / g.groups
                    let packed = PackedFilters(
                        filters.extracting(group * weights..<(group + 1) * weights),
                        outputs: size, taps: g.taps, depth: g.depth)
                    let constants = ChannelConstants(
                        bias: bias.extracting(channels), filterSums: packed.sums.span,
                        inputZeroPoint: input.zeroPoint,
                        multipliers: Array(multipliers[channels]))
                    return IndirectProduct(filters: packed, constants: constants, format: output)
                })
        }
    }

    /// The number of panels of sixteen output channels that `run` can be asked for separately.
    package var panels: Int {
        switch body {
        case .groups(let products): products.count * products[0].filters.panels
        case .depthwise: 1
        }
    }

    /// The bytes taken by packed filters and tables.
    package var byteCount: Int {
        switch body {
        case .groups(let products): products.reduce(offsets.byteCount) { $0 + $1.byteCount }
        case .depthwise(let filters): offsets.byteCount + filters.byteCount
        }
    }

    /// Readies one picture's input: fills its margin, or makes the padded copy.
    ///
    /// `copy` is a slot of `geometry.paddedCopyCount` bytes where that is not `nil`.
    package func prepare(
        in arena: Arena, from input: ActivationSlot, copy: ActivationSlot?, picture: Int
    ) {
        guard geometry.isPadded else { return }
        guard let copy else {
            return arena.fillMargin(of: input, picture: picture, with: inputZeroPoint)
        }
        let g = geometry
        precondition(
            copy.count == g.paddedCopyCount && input.count == g.height * g.width * g.channels,
            "\(copy) for \(g)")
        let source = unsafe arena.start(of: input, picture: picture)
        let target = unsafe arena.start(of: copy, picture: picture)
        unsafe target.update(repeating: UInt8(inputZeroPoint), count: copy.count)
        let row = g.width * g.channels
        for y in 0..<g.height {
            let start = ((y + g.top) * g.paddedWidth + g.left) * g.channels
            unsafe (target + start).update(from: source + y * row, count: row)
        }
    }

    /// Computes some positions (row-major in the output map) of some panels for one picture.
    ///
    /// `input` is the slot that was prepared: the padded copy where there is one.
    package func run(
        in arena: Arena, from input: ActivationSlot, to output: ActivationSlot, picture: Int,
        positions: Range<Int>, panels: Range<Int>
    ) {
        let g = geometry
        precondition(
            input.count == g.paddedCopyCount ?? (g.height * g.width * g.channels)
                && (g.paddedCopyCount != nil || input.margin >= g.channels)
                && output.count == g.positions * g.outputs && positions.upperBound <= g.positions,
            "positions \(positions) from \(input) to \(output) for \(g)")
        let base = unsafe arena.start(of: input, picture: picture)
        let out = unsafe arena.start(of: output, picture: picture)
        switch body {
        case .depthwise(let filters):
            unsafe filters.run(
                base: base, offsets: offsets, positions: positions, total: g.positions, out: out,
                using: table)
        case .groups(let products):
            let size = products[0].filters.panels
            for (group, product) in products.enumerated() {
                let mine = panels.clamped(to: group * size..<(group + 1) * size)
                guard !mine.isEmpty else { continue }
                let first = group * g.outputs / g.groups
                unsafe product.run(
                    base: base + group * (g.channels / g.groups), offsets: offsets,
                    offsetStride: g.positions, rows: positions,
                    panels: mine.lowerBound - group * size..<mine.upperBound - group * size,
                    block: rowsInCache, to: .bytes(out + first, stride: g.outputs), using: table)
            }
        }
    }

    /// The number of positions that are computed together, a multiple of every tile's height.
    ///
    /// Their input is a quarter of a MiB or less: half of a small L2 cache, the other half
    /// being left to the filters.
    private var rowsInCache: Int {
        let bytes = geometry.channels * geometry.stride * geometry.stride
        return max(24, (1 << 18) / bytes / 24 * 24)
    }
}

/// The filters of a depthwise convolution: int16, two taps side by side, as the multiply-add
/// instructions take them, `[pairs of taps][channels][2]`.
@safe struct DepthwiseFilters: Sendable {
    private let channels: Int
    private let taps: Int
    private let memory: AlignedMemory<Int16>
    private let constants: ChannelConstants
    private let format: ActivationFormat

    init(
        _ filters: Span<Int8>, channels: Int, taps: Int, bias: Span<Int32>, inputZeroPoint: Int,
        multipliers: [Float], format: ActivationFormat
    ) {
        (self.channels, self.taps, self.format) = (channels, taps, format)
        let padded = channels.roundedUp(to: 16)
        memory = AlignedMemory(count: (taps + 1) / 2 * padded * 2)
        var sums = [Int32](repeating: 0, count: channels)
        for channel in 0..<channels {
            for tap in 0..<taps {
                let weight = filters[channel * taps + tap]
                memory[(tap / 2 * padded + channel) * 2 + tap % 2] = Int16(weight)
                sums[channel] &+= Int32(weight)
            }
        }
        constants = ChannelConstants(
            bias: bias, filterSums: sums.span, inputZeroPoint: inputZeroPoint,
            multipliers: multipliers)
    }

    var byteCount: Int { memory.byteCount + constants.byteCount }

    func run(
        base: UnsafePointer<UInt8>, offsets: AlignedMemory<Int32>, positions: Range<Int>,
        total: Int, out: UnsafeMutablePointer<UInt8>, using table: KernelTable
    ) {
        var depthwise = unsafe ck_depthwise(
            base: base, offsets: offsets.base, offset_stride: total, taps: taps,
            filters: memory.base, bias: constants.bias.base,
            multipliers: constants.multipliers.base, requantization: format.requantization,
            channels: channels, out: out)
        unsafe withUnsafePointer(to: &depthwise) {
            unsafe table.depthwise($0, positions.lowerBound, positions.count)
        }
    }
}
