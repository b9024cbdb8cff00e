internal import CKernels

/// A convolution with one filter a channel, row by row: the rows of a window are interleaved,
/// so that the products of four of them are added up by one instruction.
@safe struct DepthwiseConvolution: Sendable {
    /// The largest side of a filter that the kernels take.
    static let largestKernel = 8

    private let geometry: ConvolutionGeometry
    private let parts: [DepthwisePart]
    private let format: ActivationFormat

    /// Packs the filters, `[channels, kernelHeight, kernelWidth]`, for the kernels of a row.
    init(
        _ geometry: ConvolutionGeometry, filters: Span<Int8>, bias: Span<Int32>,
        inputZeroPoint: Int, multipliers: [Float], format: ActivationFormat,
        using table: KernelTable
    ) {
        self.geometry = geometry
        self.format = format
        // A few channels left over go to a kernel that takes fewer at once.
        let channels = geometry.channels
        let (wide, narrow) = (table.depthwise[0], table.depthwise[table.depthwise.count - 1])
        let rest = channels % wide.block
        let cut = narrow.block < wide.block && rest <= narrow.block ? channels - rest : channels
        parts = [(wide, 0..<cut), (narrow, cut..<channels)].compactMap { kernel, channels in
            channels.isEmpty
                ? nil
                : DepthwisePart(
                    geometry, channels, filters: filters, bias: bias,
                    inputZeroPoint: inputZeroPoint, multipliers: multipliers, kernel: kernel)
        }
    }

    var byteCount: Int { parts.reduce(0) { $0 + $1.byteCount } }

    /// Computes some rows of the output map; `input` is followed by its margin.
    func run(
        input: UnsafePointer<UInt8>, rows: Range<Int>, out: UnsafeMutablePointer<UInt8>
    ) {
        for part in parts {
            unsafe part.run(geometry, format, input: input, rows: rows, out: out)
        }
    }
}

/// Some channels of a depthwise convolution, whose filters are laid out as `ck_depthwise` says.
@safe struct DepthwisePart: Sendable {
    private let channels: Range<Int>
    private let filters: AlignedMemory<Int8>
    private let constants: ChannelConstants
    private let isNarrow: Bool
    private let kernel: DepthwiseKernel

    init(
        _ g: ConvolutionGeometry, _ channels: Range<Int>, filters: Span<Int8>,
        bias: Span<Int32>, inputZeroPoint: Int, multipliers: [Float], kernel: DepthwiseKernel
    ) {
        let block = kernel.block
        // Where a channel lies within its block, so that what is interleaved and packed within
        // 128-bit lanes needs no permutation. With blocks of 64:
        //
        //     bytes  0 … 15: channels  0  1  2  3  16 17 18 19  32 33 34 35  48 49 50 51
        //     bytes 16 … 31: channels  4  5  6  7  20 21 22 23  36 37 38 39  52 53 54 55
        //     bytes 32 … 47: channels  8  9 10 11  24 25 26 27  …
        func place(_ channel: Int) -> Int {
            let (lane, rest) = (channel % block / 16, channel % 16)
            return channel / block * block + rest / 4 * (block / 4) + lane * 4 + rest % 4
        }
        let quads = (g.kernelHeight + 3) / 4 * g.kernelWidth
        let packed = AlignedMemory<Int8>(count: channels.count.roundedUp(to: block) * quads * 4)
        var sums = [Int32](repeating: 0, count: channels.count)
        var isNarrow = true
        for channel in 0..<channels.count {
            let (within, first) = (place(channel) % block, channel / block * block)
            let taps = g.kernelHeight * g.kernelWidth
            for tap in 0..<taps {
                let weight = filters[(channels.lowerBound + channel) * taps + tap]
                let (row, column) = tap.quotientAndRemainder(dividingBy: g.kernelWidth)
                let quad = first * quads + (column * ((g.kernelHeight + 3) / 4) + row / 4) * block
                packed[(quad + within) * 4 + row % 4] = weight
                sums[channel] &+= Int32(weight)
                isNarrow = isNarrow && weight.magnitude <= narrowLimit
            }
        }
        self.channels = channels
        self.filters = packed
        self.isNarrow = isNarrow
        self.kernel = kernel
        constants = ChannelConstants(
            bias: bias.extracting(channels), filterSums: sums.span,
            inputZeroPoint: inputZeroPoint, multipliers: Array(multipliers[channels]),
            order: place)
    }

    var byteCount: Int { filters.byteCount + constants.byteCount }

    func run(
        _ g: ConvolutionGeometry, _ format: ActivationFormat, input: UnsafePointer<UInt8>,
        rows: Range<Int>, out: UnsafeMutablePointer<UInt8>
    ) {
        var depthwise = unsafe ck_depthwise(
            in: input + channels.lowerBound, height: g.height, width: g.width,
            channels: g.channels, count: channels.count, kernel_height: g.kernelHeight,
            kernel_width: g.kernelWidth, stride: g.stride, top: g.top, left: g.left,
            out_width: g.outputWidth, kind: isNarrow ? CK_NARROW : CK_BYTES,
            filters: filters.base, filter_sums: constants.filterSums.base,
            bias: constants.bias.base, multipliers: constants.multipliers.base,
            requantization: format.requantization, out: out + channels.lowerBound)
        unsafe withUnsafePointer(to: &depthwise) {
            unsafe kernel.run($0, rows.lowerBound, rows.count)
        }
    }
}
