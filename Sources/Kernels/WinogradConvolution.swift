internal import CKernels

/// A 3×3 convolution of stride 1 by Winograd's F(2×2, 3×3), exact in integers: 16
/// multiplications for four outputs where the definition has 36.
///
/// With the filter transform scaled by two on each side, `U = (2G) g (2G)ᵀ` and `V = Bᵀ d B` are
/// whole numbers within ±1,143 and ±1,020, and `Aᵀ (U ⊙ V) A` is four times the result. Sums may
/// wrap on the way as long as that fits in int32.
///
/// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016
/// (arXiv:1509.09308), section 4.1.
@safe struct WinogradConvolution: Sendable {
    /// The most tiles whose transforms are held together: few enough to stay in a level 2 cache,
    /// enough to use each filter that passes by often.
    private static let block = 32
    /// The panels of outputs that are multiplied before they are transformed back.
    private static let panelsAtOnce = 4

    private let geometry: ConvolutionGeometry
    private let filters: [PackedFilters]  // one for each place in a tile
    private let constants: ChannelConstants
    private let zeros: AlignedMemory<Int32>
    private let offsets: AlignedMemory<Int32>
    private let format: ActivationFormat
    private let transforms: WinogradKernels

    /// Whether a convolution can be computed in this way.
    static func suits(_ g: ConvolutionGeometry, filters: Span<Int8>) -> Bool {
        // Small layers are all transform.
        guard g.kernelHeight == 3, g.kernelWidth == 3, g.stride == 1, g.groups == 1,
            g.channels >= 16, g.outputs >= 16
        else { return false }
        var largest = 0
        for output in 0..<g.outputs {
            var sum = 0
            for i in output * 9 * g.channels..<(output + 1) * 9 * g.channels {
                sum += abs(Int(filters[i]))
                largest = max(largest, abs(Int(filters[i])))
            }
            guard 4 * 255 * sum <= Int(Int32.max) else { return false }
        }
        // Transformed filters are 3.6 times as large, and on a map of few tiles each is used so
        // little that reading them costs more than is won; the more so where filters are narrow
        // and direct convolution is quick.
        let tiles = (g.outputHeight + 1) / 2 * ((g.outputWidth + 1) / 2)
        return tiles >= (largest <= 63 ? 24 : 12)
    }

    /// Transforms and packs the filters, `[outputs, 3, 3, channels]`.
    init(
        _ geometry: ConvolutionGeometry, filters: Span<Int8>, bias: Span<Int32>,
        inputZeroPoint: Int, multipliers: [Float], format: ActivationFormat,
        transforms: WinogradKernels
    ) {
        let g = geometry
        self.geometry = g
        self.format = format
        self.transforms = transforms
        let depth = g.channels.roundedUp(to: 2)
        var places = [[Int8]](
            repeating: [Int8](repeating: 0, count: g.outputs * depth * 2), count: 16)
        var sums = [Int32](repeating: 0, count: g.outputs)
        for output in 0..<g.outputs {
            for channel in 0..<g.channels {
                let taps = (0..<9).map {
                    Int32(filters[(output * 9 + $0) * g.channels + channel])
                }
                for tap in taps { sums[output] &+= tap }
                for (place, value) in Self.transformed(taps).enumerated() {
                    let at = (output * depth + channel) * 2
                    places[place][at] = Int8(truncatingIfNeeded: value)
                    places[place][at + 1] = Int8(truncatingIfNeeded: value >> 8)
                }
            }
        }
        self.filters = places.map {
            PackedFilters($0.span, outputs: g.outputs, taps: 1, depth: depth * 2)
        }
        constants = ChannelConstants(
            bias: bias, filterSums: sums.span, inputZeroPoint: inputZeroPoint,
            multipliers: multipliers)
        zeros = AlignedMemory(count: g.outputs.roundedUp(to: 64))
        offsets = AlignedMemory((0..<Self.block).map { Int32($0 * depth * 2) })
    }

    /// `(2G) g (2G)ᵀ` of a 3×3 filter, 16 numbers.
    private static func transformed(_ g: [Int32]) -> [Int32] {
        func vector(_ a: Int32, _ b: Int32, _ c: Int32) -> [Int32] {
            [2 * a, a + b + c, a - b + c, 2 * c]
        }
        let columns = (0..<3).map { vector(g[$0], g[3 + $0], g[6 + $0]) }
        return (0..<4).flatMap { vector(columns[0][$0], columns[1][$0], columns[2][$0]) }
    }

    var panels: Int { filters[0].panels }

    var byteCount: Int {
        filters.reduce(constants.byteCount + zeros.byteCount + offsets.byteCount) {
            $0 + $1.memory.byteCount
        }
    }

    /// The tiles in a row of the output map.
    private var tileColumns: Int { (geometry.outputWidth + 1) / 2 }
    private var depth: Int { geometry.channels.roundedUp(to: 2) }
    /// The numbers between the places of a tile: never a multiple of a page, or the sixteen
    /// places that are written together would compete for one set of the cache.
    private var transformedStride: Int { (Self.block * depth).roundedUp(to: 64) + 32 }
    private var productsWidth: Int { min(Self.panelsAtOnce, panels) * 16 }
    private var productsStride: Int { Self.block * productsWidth + 16 }

    /// The scratch bytes that a run needs.
    var scratchCount: Int {
        // The last vector of up to 64 products is read whole.
        16 * (transformedStride * 2 + productsStride * 4) + 256
    }

    /// Computes some rows of tiles, two rows of the output map each, of some panels of outputs.
    func run(
        input: UnsafePointer<UInt8>, tileRows: Range<Int>, panels: Range<Int>,
        out: UnsafeMutablePointer<UInt8>, adding sum: UnsafePointer<ck_add>?, scratch: Scratch,
        using table: KernelTable
    ) {
        let g = geometry
        let transformed = unsafe scratch.numbers(Int16.self, at: 0, count: 16 * transformedStride)
        let products = unsafe scratch.numbers(
            Int32.self, at: 32 * transformedStride, count: 16 * productsStride)
        var winograd = unsafe ck_winograd(
            in: input, height: g.height, width: g.width, channels: g.channels, top: g.top,
            left: g.left, tile_columns: tileColumns, transformed: transformed, depth: depth,
            transformed_stride: transformedStride, products: products,
            products_width: productsWidth, products_stride: productsStride,
            bias: constants.bias.base, multipliers: constants.multipliers.base,
            requantization: format.requantization, out_height: g.outputHeight,
            out_width: g.outputWidth, outputs: g.outputs, out: out, sum: sum)
        unsafe withUnsafePointer(to: &winograd) { winograd in
            let tiles = tileRows.lowerBound * tileColumns..<tileRows.upperBound * tileColumns
            // Blocks of nearly equal size, since the filters pass by for each.
            let blocks = (tiles.count + Self.block - 1) / Self.block
            for block in 0..<blocks {
                let first = tiles.lowerBound + tiles.count * block / blocks
                let count = tiles.lowerBound + tiles.count * (block + 1) / blocks - first
                unsafe transforms.input(winograd, first, count)
                for panel in stride(
                    from: panels.lowerBound, to: panels.upperBound, by: Self.panelsAtOnce)
                {
                    let some = panel..<min(panel + Self.panelsAtOnce, panels.upperBound)
                    unsafe multiply(transformed, count, some, into: products, using: table)
                    let channels = min(some.count * 16, g.outputs - panel * 16)
                    unsafe transforms.output(winograd, first, count, panel * 16, channels)
                }
            }
        }
    }

    private func multiply(
        _ transformed: UnsafeMutablePointer<Int16>, _ tiles: Int, _ panels: Range<Int>,
        into products: UnsafeMutablePointer<Int32>, using table: KernelTable
    ) {
        for (place, filters) in filters.enumerated() {
            // The kernel counts outputs from the first panel there is.
            let out = unsafe products + place * productsStride - panels.lowerBound * 16
            var product = unsafe ck_product(
                base: UnsafeRawPointer(transformed + place * transformedStride)
                    .assumingMemoryBound(to: UInt8.self),
                offsets: offsets.base, offset_stride: Self.block, taps: 1, quads: filters.quads,
                filters: filters.memory.base, kind: CK_WORDS, filter_sums: zeros.base,
                bias: zeros.base, multipliers: nil, requantization: ck_requantization(),
                outputs: panels.upperBound * 16, out: nil, accumulators: out,
                out_stride: productsWidth, sum: nil)
            unsafe withUnsafePointer(to: &product) {
                unsafe table.product($0, 0, tiles, panels.lowerBound, panels.count)
            }
        }
    }
}
