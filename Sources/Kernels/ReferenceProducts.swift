internal import CKernels

// The products as the arithmetic contract defines them, one position and one channel at a time.
// int32 arithmetic wraps: the true sum fits, so intermediate sums may leave the range.

func referenceProduct(
    _ product: UnsafePointer<ck_product>, firstRow: Int, rows: Int, firstPanel: Int, panels: Int
) {
    let p = unsafe product.pointee
    let depth = unsafe p.quads * 4
    for row in firstRow..<firstRow + rows {
        for channel in unsafe firstPanel * 16..<min((firstPanel + panels) * 16, p.outputs) {
            var sum = unsafe p.bias[channel]
            for tap in unsafe 0..<p.taps {
                let x = unsafe p.base + Int(p.offsets[tap * p.offset_stride + row])
                let block = unsafe (channel / 16 * p.taps + tap) * p.quads
                let w = unsafe p.filters + block * 64 + channel % 16 * 4
                for i in 0..<depth {
                    sum &+= unsafe Int32(x[i]) * Int32(w[i / 4 * 64 + i % 4])
                }
            }
            let position = unsafe row * p.out_stride + channel
            if let accumulators = unsafe p.accumulators {
                unsafe accumulators[position] = sum
            } else if let out = unsafe p.out, let multipliers = unsafe p.multipliers {
                unsafe out[position] = requantized(
                    Float(sum) * multipliers[channel], p.requantization)
            }
        }
    }
}

func referenceDepthwise(_ depthwise: UnsafePointer<ck_depthwise>, firstRow: Int, rows: Int) {
    let p = unsafe depthwise.pointee
    let padded = unsafe p.channels.roundedUp(to: 16)
    for row in firstRow..<firstRow + rows {
        for channel in unsafe 0..<p.channels {
            var sum = unsafe p.bias[channel]
            for tap in unsafe 0..<p.taps {
                let x = unsafe p.base[Int(p.offsets[tap * p.offset_stride + row]) + channel]
                let w = unsafe p.filters[(tap / 2 * padded + channel) * 2 + tap % 2]
                sum &+= Int32(x) * Int32(w)
            }
            unsafe p.out[row * p.channels + channel] = requantized(
                Float(sum) * p.multipliers[channel], p.requantization)
        }
    }
}
