internal import CKernels

/// A convolution from u8 to u8 activations, `acc = bias + Σ(x − zx)·w`, requantized as it leaves
/// its tile: dense, grouped or depthwise.
///
/// A class, since threads that share a layer out would otherwise count the references of all its
/// parts up and down, each time against one another.
@safe package final class IntegerConvolution: Sendable {
    /// The extents.
    package let geometry: ConvolutionGeometry
    private let inputZeroPoint: Int
    private let body: Body
    private let table: KernelTable

    private enum Body: Sendable {
        case groups([IndirectProduct], offsets: AlignedMemory<Int32>)
        case depthwise(DepthwiseConvolution)
        case winograd(WinogradConvolution)
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
        inputZeroPoint = input.zeroPoint
        let multipliers = (0..<g.outputs).map {
            output.multiplier(input: input, weightScale: weightScales[$0])
        }
        let table = table.bearing(
            largestResult(filters: filters, bias: bias, multipliers: multipliers))
        self.table = table
        if g.isDepthwise
            && max(g.kernelHeight, g.kernelWidth) <= DepthwiseConvolution.largestKernel
        {
            body = .depthwise(
                DepthwiseConvolution(
                    g, filters: filters, bias: bias, inputZeroPoint: input.zeroPoint,
                    multipliers: multipliers, format: output, using: table))
        } else if let transforms = table.winograd,
            WinogradConvolution.suits(g, filters: filters)
        {
            body = .winograd(
                WinogradConvolution(
                    g, filters: filters, bias: bias, inputZeroPoint: input.zeroPoint,
                    multipliers: multipliers, format: output, transforms: transforms))
        } else {
            let size = g.outputs / g.groups
            let together = g.positionsTogether
            let products = (0..<g.groups).map { group in
                let channels = group * size..<(group + 1) * size
                let weights = filters.count / g.groups
                let own = filters.extracting(group * weights..<(group + 1) * weights)
                let wide = together > 1 ? Self.sideBySide(own, g) : []
                let packed = PackedFilters(
                    together > 1 ? wide.span : own, outputs: size * together, taps: g.taps,
                    depth: g.depth)
                let constants = ChannelConstants(
                    bias: bias.extracting(channels).repeated(together).span,
                    filterSums: packed.sums.span, inputZeroPoint: input.zeroPoint,
                    multipliers: multipliers[channels].span.repeated(together))
                return IndirectProduct(filters: packed, constants: constants, format: output)
            }
            body = .groups(products, offsets: g.offsets())
        }
    }

    /// The filters of several positions side by side: those of the first, then those of the second,
    /// one column further to the right, and so on, `[positions][outputs, kernelHeight, depth]`.
    private static func sideBySide(_ filters: Span<Int8>, _ g: ConvolutionGeometry) -> [Int8] {
        let run = g.kernelWidth * g.channels
        var wide = [Int8](
            repeating: 0, count: g.positionsTogether * g.outputs * g.kernelHeight * g.depth)
        for position in 0..<g.positionsTogether {
            for row in 0..<g.outputs * g.kernelHeight {
                let to = (position * g.outputs * g.kernelHeight + row) * g.depth
                for i in 0..<run { wide[to + position * g.channels + i] = filters[row * run + i] }
            }
        }
        return wide
    }

    /// The number of panels of sixteen output channels that `run` can be asked for separately.
    package var panels: Int {
        switch body {
        case .groups(let products, _): products.count * products[0].filters.panels
        case .depthwise: 1
        case .winograd(let winograd): winograd.panels
        }
    }

    /// Positions are computed in multiples of this number, from a multiple of it on; the map's
    /// end counts as one.
    package var positionStep: Int {
        switch body {
        case .groups: geometry.positionsTogether
        case .depthwise: geometry.outputWidth
        case .winograd: 2 * geometry.outputWidth
        }
    }

    /// The bytes of scratch that `run` needs.
    package var scratchCount: Int {
        if case .winograd(let winograd) = body { winograd.scratchCount } else { 0 }
    }

    /// The bytes taken by packed filters and tables.
    package var byteCount: Int {
        switch body {
        case .groups(let products, let offsets):
            products.reduce(offsets.byteCount) { $0 + $1.byteCount }
        case .depthwise(let depthwise): depthwise.byteCount
        case .winograd(let winograd): winograd.byteCount
        }
    }

    /// Fills the margin of one picture's input, where there is no padded copy.
    package func fillMargin(in arena: Arena, of input: ActivationSlot, picture: Int) {
        guard geometry.isPadded, geometry.paddedCopyCount == nil else { return }
        arena.fillMargin(of: input, picture: picture, with: inputZeroPoint)
    }

    /// Makes some rows of the padded copy of one picture's input.
    ///
    /// `copy` is a slot of `geometry.paddedCopyCount` bytes, and `rows` are among its
    /// `geometry.paddedHeight` rows.
    package func pad(
        in arena: Arena, from input: ActivationSlot, to copy: ActivationSlot, picture: Int,
        rows: Range<Int>
    ) {
        let g = geometry
        precondition(
            copy.count == g.paddedCopyCount && input.count == g.height * g.width * g.channels
                && rows.lowerBound >= 0 && rows.upperBound <= g.paddedHeight,
            "rows \(rows) of \(copy) for \(g)")
        let source = unsafe arena.start(of: input, picture: picture)
        let target = unsafe arena.start(of: copy, picture: picture)
        let (width, paddedWidth) = (g.width * g.channels, g.paddedWidth * g.channels)
        let (zero, left) = (UInt8(inputZeroPoint), g.left * g.channels)
        for row in rows {
            let start = unsafe target + row * paddedWidth
            guard row >= g.top, row < g.top + g.height else {
                unsafe start.update(repeating: zero, count: paddedWidth)
                continue
            }
            unsafe start.update(repeating: zero, count: left)
            unsafe (start + left).update(from: source + (row - g.top) * width, count: width)
            unsafe (start + left + width).update(
                repeating: zero, count: paddedWidth - left - width)
        }
    }

    /// Computes some positions (row-major in the output map) of some panels for one picture.
    ///
    /// `input` is the slot that was prepared: the padded copy where there is one. `positions`
    /// keeps to `positionStep`. Calls that run at the same time have scratch of their own. What
    /// is written is added to `sum.other` first; a depthwise convolution cannot do that, and the
    /// addition's kernel row is to be the convolution's.
    package func run(
        in arena: Arena, from input: ActivationSlot, to output: ActivationSlot, picture: Int,
        positions: Range<Int>, panels: Range<Int>, scratch: Scratch,
        adding sum: (addition: IntegerAddition, other: ActivationSlot)? = nil
    ) {
        guard !positions.isEmpty, !panels.isEmpty else { return }
        let g = geometry
        precondition(
            input.count == g.paddedCopyCount ?? (g.height * g.width * g.channels)
                && (g.paddedCopyCount != nil || input.margin >= g.channels)
                && output.count == g.positions * g.outputs && positions.upperBound <= g.positions
                && positions.lowerBound % positionStep == 0
                && (positions.upperBound % positionStep == 0
                    || positions.upperBound == g.positions),
            "positions \(positions) from \(input) to \(output) for \(g)")
        let base = unsafe arena.start(of: input, picture: picture)
        let out = unsafe arena.start(of: output, picture: picture)
        let steps =
            positions.lowerBound / positionStep..<(positions.upperBound + positionStep - 1)
            / positionStep
        switch body {
        case .depthwise(let depthwise):
            precondition(sum == nil, "a depthwise convolution adds nothing up: \(g)")
            unsafe depthwise.run(input: base, rows: steps, out: out)
        case .winograd(let winograd):
            unsafe withTerms(sum, arena, picture, skipping: 0) { terms in
                unsafe winograd.run(
                    input: base, tileRows: steps, panels: panels, out: out, adding: terms,
                    scratch: scratch, using: table)
            }
        case .groups(let products, let offsets):
            let size = products[0].filters.panels
            for (group, product) in products.enumerated() {
                let mine = panels.clamped(to: group * size..<(group + 1) * size)
                guard !mine.isEmpty else { continue }
                let first = group * g.outputs / g.groups
                unsafe withTerms(sum, arena, picture, skipping: first) { terms in
                    unsafe product.run(
                        base: base + group * (g.channels / g.groups), offsets: offsets,
                        offsetStride: g.positions / g.positionsTogether, rows: steps,
                        panels: mine.lowerBound - group * size..<mine.upperBound - group * size,
                        block: rowsInCache,
                        to: .bytes(out + first, stride: g.outputs * g.positionsTogether),
                        adding: terms, using: table)
                }
            }
        }
    }

    /// Calls `body` with a sum as the kernels take it, from channel `first` on.
    private func withTerms(
        _ sum: (addition: IntegerAddition, other: ActivationSlot)?, _ arena: Arena,
        _ picture: Int, skipping first: Int, _ body: (UnsafePointer<ck_add>?) -> Void
    ) {
        guard let sum else { return body(nil) }
        precondition(
            sum.other.count == geometry.positions * geometry.outputs,
            "\(sum.other) for \(geometry)")
        // Kernels read neither the first term nor the result here: they have both at hand.
        let other = unsafe arena.start(of: sum.other, picture: picture) + first
        var terms = unsafe sum.addition.terms(other, other, out: other)
        unsafe withUnsafePointer(to: &terms) { unsafe body($0) }
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

extension Span where Element: BitwiseCopyable {
    /// The elements, `count` times over.
    fileprivate func repeated(_ count: Int) -> [Element] {
        (0..<count * self.count).map { self[$0 % self.count] }
    }
}
