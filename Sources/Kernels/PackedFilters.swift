/// Filters in the order in which the product kernels read them.
///
/// Sixteen output channels make a panel. Within it a filter is cut into quads of four bytes,
/// and a quad of all sixteen lies together, 64 bytes: `[panels][taps][quads][16][4]`. What does
/// not fill a panel or a quad is zero.
@safe struct PackedFilters: Sendable {
    let outputs: Int
    let taps: Int
    let quads: Int
    let memory: AlignedMemory<Int8>
    /// The sum of each filter's weights, by output channel.
    let sums: [Int32]
    /// Whether every weight lies within ±63, as `vpmaddubsw` needs it.
    let isNarrow: Bool

    var panels: Int { (outputs + 15) / 16 }

    /// Packs `filters`, `[outputs, taps, depth]` row-major.
    init(_ filters: Span<Int8>, outputs: Int, taps: Int, depth: Int) {
        precondition(
            filters.count == outputs * taps * depth,
            "\(filters.count) weights for \(outputs) filters of \(taps) × \(depth)")
        self.outputs = outputs
        self.taps = taps
        quads = (depth + 3) / 4
        memory = AlignedMemory(count: (outputs + 15) / 16 * 16 * taps * quads * 4)
        var sums = [Int32](repeating: 0, count: outputs)
        var isNarrow = true
        let (target, quads) = unsafe (memory.base, self.quads)
        unsafe filters.withUnsafeBufferPointer { source in
            for channel in 0..<outputs {
                let (panel, lane) = channel.quotientAndRemainder(dividingBy: 16)
                for tap in 0..<taps {
                    let from = (channel * taps + tap) * depth
                    let to = ((panel * taps + tap) * quads) * 64 + lane * 4
                    for i in 0..<depth {
                        let weight = unsafe source[from + i]
                        unsafe target[to + i / 4 * 64 + i % 4] = weight
                        sums[channel] &+= Int32(weight)
                        isNarrow = isNarrow && weight >= -63 && weight <= 63
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
