internal import CKernels

// The products as the arithmetic contract defines them, one position and one channel at a time.
// int32 arithmetic wraps: the true sum fits, so intermediate sums may leave the range.

func referenceProduct(
    _ product: UnsafePointer<ck_product>, firstRow: Int, rows: Int, firstPanel: Int, panels: Int
) {
    let p = unsafe product.pointee
    let depth = unsafe p.quads * 4
    for row in firstRow..<firstRow + rows {
        for channel in unsafe firstPanel
            * panelWidth..<min(
                (firstPanel + panels) * panelWidth, p.outputs)
        {
            var sum = unsafe p.bias[channel]
            for tap in unsafe 0..<p.taps {
                let x = unsafe p.base + Int(p.offsets[tap * p.offset_stride + row])
                let block = unsafe (channel / panelWidth * p.taps + tap) * p.quads
                let w = unsafe p.filters + block * panelQuadBytes + channel % panelWidth * quadBytes
                for i in 0..<depth {
                    sum &+=
                        unsafe Int32(x[i])
                        * Int32(
                            w[i / quadBytes * panelQuadBytes + i % quadBytes])
                }
            }
            let position = unsafe row * p.out_stride + channel
            if let accumulators = unsafe p.accumulators {
                unsafe accumulators[position] = sum
            } else if let out = unsafe p.out, let multipliers = unsafe p.multipliers {
                let byte = unsafe requantized(Float(sum) * multipliers[channel], p.requantization)
                unsafe out[position] =
                    p.sum.map {
                        unsafe added(byte, $0.pointee.b[position], $0.pointee)
                    } ?? byte
            }
        }
    }
}

func referenceDepthwise(_ depthwise: UnsafePointer<ck_depthwise>, firstRow: Int, rows: Int) {
    let p = unsafe depthwise.pointee
    let quads = unsafe (p.kernel_height + 3) / 4
    for y in firstRow..<firstRow + rows {
        for x in unsafe 0..<p.out_width {
            for channel in unsafe 0..<p.count {
                // Blocks of 16 channels keep their order.
                let filter = unsafe channel / 16 * 16 * p.kernel_width * quads + channel % 16
                var sum = unsafe p.bias[channel]
                for ky in unsafe 0..<p.kernel_height {
                    for kx in unsafe 0..<p.kernel_width {
                        let at = unsafe place(
                            y * p.stride + ky - p.top, x * p.stride + kx - p.left, p.height,
                            p.width)
                        let w = unsafe p.filters[
                            (filter + (kx * quads + ky / 4) * 16) * 4 + ky % 4]
                        sum &+= unsafe Int32(p.in[at * p.channels + channel]) * Int32(w)
                    }
                }
                unsafe p.out[(y * p.out_width + x) * p.channels + channel] = requantized(
                    Float(sum) * p.multipliers[channel], p.requantization)
            }
        }
    }
}

/// The position in a map, or the one behind it that stands for all outside.
private func place(_ y: Int, _ x: Int, _ height: Int, _ width: Int) -> Int {
    y >= 0 && x >= 0 && y < height && x < width ? y * width + x : height * width
}
