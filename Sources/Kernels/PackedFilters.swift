/// The output channels of a panel, whose weights lie together.
let panelWidth = 16
/// The bytes of a quad: as many products as one instruction adds to an int32.
let quadBytes = 4
/// The bytes of one quad of each channel of a panel.
let panelQuadBytes = panelWidth * quadBytes
/// The largest weight of a narrow filter: with these, `vpmaddubsw` does not saturate.
let narrowLimit: UInt8 = 63

/// Filters in the order in which the product kernels read them, `[panels][taps][quads][16][4]`.
///
/// A *panel* is sixteen output channels, a *tap* one position of the window, a *quad* four input
/// channels: what one instruction multiplies and adds up for each output channel.
///
/// ```
/// panel 0: output channels 0 … 15
///   tap 0: row 0, column 0 of the window
///     quad 0: input channels 0 1 2 3
///       │ 0 0 0 0 │ 1 1 1 1 │ 2 2 2 2 │ … │ 15 15 15 15 │   output channel of each byte, 64 bytes
///     quad 1: input channels 4 5 6 7
///       │ 0 0 0 0 │ 1 1 1 1 │ …
///   tap 1: row 0, column 1 …
/// panel 1: output channels 16 … 31 …
/// ```
///
/// What does not fill a panel or a quad is zero.
@safe struct PackedFilters: Sendable {
    let outputs: Int
    let taps: Int
    let quads: Int
    let memory: AlignedMemory<Int8>
    /// The sum of each filter's weights, by output channel.
    let sums: [Int32]
    /// Whether every weight lies within ±63, as `vpmaddubsw` needs it.
    let isNarrow: Bool

    var panels: Int { (outputs + panelWidth - 1) / panelWidth }

    /// Packs `filters`, `[outputs, taps, depth]` row-major.
    init(_ filters: Span<Int8>, outputs: Int, taps: Int, depth: Int) {
        precondition(
            filters.count == outputs * taps * depth,
            "\(filters.count) weights for \(outputs) filters of \(taps) × \(depth)")
        self.outputs = outputs
        self.taps = taps
        quads = (depth + quadBytes - 1) / quadBytes
        memory = AlignedMemory(
            count: outputs.roundedUp(to: panelWidth) * taps * quads * quadBytes)
        var sums = [Int32](repeating: 0, count: outputs)
        var isNarrow = true
        let (target, quads) = unsafe (memory.base, self.quads)
        unsafe filters.withUnsafeBufferPointer { source in
            for channel in 0..<outputs {
                let (panel, lane) = channel.quotientAndRemainder(dividingBy: panelWidth)
                for tap in 0..<taps {
                    let from = (channel * taps + tap) * depth
                    let to = ((panel * taps + tap) * quads) * panelQuadBytes + lane * quadBytes
                    for i in 0..<depth {
                        let weight = unsafe source[from + i]
                        unsafe target[to + i / quadBytes * panelQuadBytes + i % quadBytes] = weight
                        sums[channel] &+= Int32(weight)
                        isNarrow = isNarrow && weight.magnitude <= narrowLimit
                    }
                }
            }
        }
        self.sums = sums
        self.isNarrow = isNarrow
    }
}

/// The constants that turn an accumulator into a u8 activation, by output channel and padded to
/// whole panels.
@safe struct ChannelConstants: Sendable {
    let bias: AlignedMemory<Int32>
    let filterSums: AlignedMemory<Int32>
    let multipliers: AlignedMemory<Float>

    /// Folds the input's zero point away: `Σ(x − z)·w = Σx·w − z·Σw`, exact in wrapping int32.
    ///
    /// `order` says at which place the constants of a channel are kept, within its 64.
    init(
        bias: Span<Int32>, filterSums: Span<Int32>, inputZeroPoint: Int, multipliers: [Float],
        order: (Int) -> Int = { $0 }
    ) {
        // Vectors of up to 64 channels are read whole.
        let padded = bias.count.roundedUp(to: 64)
        self.bias = AlignedMemory(count: padded)
        self.filterSums = AlignedMemory(count: padded)
        self.multipliers = AlignedMemory(count: padded)
        for i in 0..<bias.count {
            let place = order(i)
            self.bias[place] = bias[i] &- Int32(inputZeroPoint) &* filterSums[i]
            self.filterSums[place] = filterSums[i]
            self.multipliers[place] = multipliers[i]
        }
    }

    var byteCount: Int { bias.byteCount + filterSums.byteCount + multipliers.byteCount }
}
