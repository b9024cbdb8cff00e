internal import CKernels

/// A convolution with one filter a channel, row by row: the rows of a window are interleaved,
/// so that the products of four of them are added up by one instruction.
@safe struct DepthwiseConvolution: Sendable {
    /// The largest side of a filter that the kernels take.
    static let largestKernel = 8

    private let geometry: ConvolutionGeometry
    private let filters: AlignedMemory<Int8>
    private let constants: ChannelConstants
    private let format: ActivationFormat
    private let isNarrow: Bool

    /// Packs the filters, `[channels, kernelHeight, kernelWidth]`, as `ck_depthwise` says.
    init(
        _ geometry: ConvolutionGeometry, filters: Span<Int8>, bias: Span<Int32>,
        inputZeroPoint: Int, multipliers: [Float], format: ActivationFormat,
        using table: KernelTable
    ) {
        let g = geometry
        let block = table.depthwiseBlock
        func place(_ channel: Int) -> Int {
            let (lane, rest) = (channel % block / 16, channel % 16)
            return channel / block * block + rest / 4 * (block / 4) + lane * 4 + rest % 4
        }
        let quads = (g.kernelHeight + 3) / 4
        let packed = AlignedMemory<Int8>(
            count: g.channels.roundedUp(to: block) * g.kernelWidth * quads * 4)
        var sums = [Int32](repeating: 0, count: g.channels)
        var isNarrow = true
        for channel in 0..<g.channels {
            let (within, first) = (place(channel) % block, channel / block * block)
            for tap in 0..<g.kernelHeight * g.kernelWidth {
                let weight = filters[channel * g.kernelHeight * g.kernelWidth + tap]
                let (row, column) = tap.quotientAndRemainder(dividingBy: g.kernelWidth)
                let quad = first * g.kernelWidth * quads + (column * quads + row / 4) * block
                packed[(quad + within) * 4 + row % 4] = weight
                sums[channel] &+= Int32(weight)
                isNarrow = isNarrow && weight >= -63 && weight <= 63
            }
        }
        self.geometry = g
        self.filters = packed
        self.format = format
        self.isNarrow = isNarrow
        constants = ChannelConstants(
            bias: bias, filterSums: sums.span, inputZeroPoint: inputZeroPoint,
            multipliers: multipliers, order: place)
    }

    var byteCount: Int { filters.byteCount + constants.byteCount }

    /// Computes some rows of the output map; `input` is followed by its margin.
    func run(
        input: UnsafePointer<UInt8>, rows: Range<Int>, out: UnsafeMutablePointer<UInt8>,
        using table: KernelTable
    ) {
        let g = geometry
        var depthwise = unsafe ck_depthwise(
            in: input, height: g.height, width: g.width, channels: g.channels,
            kernel_height: g.kernelHeight, kernel_width: g.kernelWidth, stride: g.stride,
            top: g.top, left: g.left, out_width: g.outputWidth,
            kind: isNarrow ? CK_NARROW : CK_BYTES, filters: filters.base,
            filter_sums: constants.filterSums.base, bias: constants.bias.base,
            multipliers: constants.multipliers.base, requantization: format.requantization,
            out: out)
        unsafe withUnsafePointer(to: &depthwise) {
            unsafe table.depthwise($0, rows.lowerBound, rows.count)
        }
    }
}
