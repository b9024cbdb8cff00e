internal import CKernels

/// Gathered rows times packed filters: the one matrix loop behind dense and grouped convolution
/// and linear layers.
///
/// No matrix of patches is built: a table says where in the input each run of a row's bytes
/// begins (the indirect convolution of Dukhan, "The Indirect Convolution Algorithm", 2019,
/// arXiv:1907.02129).
@safe struct IndirectProduct: Sendable {
    let filters: PackedFilters
    let constants: ChannelConstants
    /// How accumulators become bytes, or `nil` where they are the result.
    let format: ActivationFormat?

    var byteCount: Int { filters.memory.byteCount + constants.byteCount }

    /// Where results go: `[row][stride]`.
    @safe enum Destination {
        case bytes(UnsafeMutablePointer<UInt8>, stride: Int)
        case accumulators(UnsafeMutablePointer<Int32>, stride: Int)
    }

    /// Computes some rows of some panels.
    ///
    /// `offsets`, `[taps][offsetStride]`, count from `base`. `block` is how many rows to take
    /// before going to the next panel, so that what they read stays in the cache while the
    /// filters pass by. `sum` is added to bytes before they are written.
    func run(
        base: UnsafePointer<UInt8>, offsets: AlignedMemory<Int32>, offsetStride: Int,
        rows: Range<Int>, panels: Range<Int>, block: Int, to destination: Destination,
        adding sum: UnsafePointer<ck_add>? = nil, using table: KernelTable
    ) {
        precondition(
            offsets.count >= filters.taps * offsetStride && rows.upperBound <= offsetStride
                && panels.upperBound <= filters.panels,
            "rows \(rows) of \(offsetStride), panels \(panels) of \(filters.panels)")
        guard !panels.isEmpty else { return }
        var bytes: UnsafeMutablePointer<UInt8>?
        var accumulators: UnsafeMutablePointer<Int32>?
        let outStride: Int
        switch destination {
        case .bytes(let pointer, let stride): unsafe (bytes, outStride) = (pointer, stride)
        case .accumulators(let pointer, let stride):
            unsafe (accumulators, outStride) = (pointer, stride)
        }
        var product = unsafe ck_product(
            base: base, offsets: offsets.base, offset_stride: offsetStride, taps: filters.taps,
            quads: filters.quads, filters: filters.memory.base,
            kind: filters.isNarrow ? CK_NARROW : CK_BYTES, filter_sums: constants.filterSums.base,
            bias: constants.bias.base,
            multipliers: constants.multipliers.base,
            requantization: format?.requantization ?? ck_requantization(),
            outputs: filters.outputs, out: bytes, accumulators: accumulators,
            out_stride: outStride, sum: sum)
        unsafe withUnsafePointer(to: &product) { product in
            var row = rows.lowerBound
            while row < rows.upperBound {
                let count = min(block, rows.upperBound - row)
                unsafe table.product(product, row, count, panels.lowerBound, panels.count)
                row += count
            }
        }
    }
}
