internal import CKernels

// Pooling and addition as the arithmetic contract defines them.

/// The positions of one window that lie inside the map, along one dimension.
private func inside(_ index: Int, stride: Int, before: Int, kernel: Int, size: Int) -> Range<Int> {
    let start = index * stride - before
    return max(start, 0)..<min(start + kernel, size)
}

/// Calls `body` with every output element's index, channel and positions in the map.
private func forEachWindow(
    _ p: ck_pool, firstRow: Int, rows: Int,
    _ body: (_ position: Int, _ channel: Int, _ window: [Int]) -> Void
) {
    for oy in firstRow..<firstRow + rows {
        let y = unsafe inside(
            oy, stride: p.stride, before: p.top, kernel: p.kernel_height, size: p.height)
        for ox in unsafe 0..<p.out_width {
            let x = unsafe inside(
                ox, stride: p.stride, before: p.left, kernel: p.kernel_width, size: p.width)
            let window = y.flatMap { row in x.map { unsafe row * p.width + $0 } }
            for channel in unsafe 0..<p.channels {
                unsafe body(oy * p.out_width + ox, channel, window)
            }
        }
    }
}

func referenceMaxPool(_ pool: UnsafePointer<ck_pool>, firstRow: Int, rows: Int) {
    let p = unsafe pool.pointee
    unsafe forEachWindow(p, firstRow: firstRow, rows: rows) { position, channel, window in
        var most: UInt8 = 0
        for i in window { most = unsafe max(most, p.in[i * p.channels + channel]) }
        unsafe p.out[position * p.channels + channel] = most
    }
}

func referenceAveragePool(_ pool: UnsafePointer<ck_pool>, firstRow: Int, rows: Int) {
    let p = unsafe pool.pointee
    guard let multipliers = unsafe p.multipliers else { return }
    unsafe forEachWindow(p, firstRow: firstRow, rows: rows) { position, channel, window in
        var sum: Int32 = 0
        for i in window {
            unsafe sum &+= Int32(p.in[i * p.channels + channel]) - p.in_zero_point
        }
        unsafe p.out[position * p.channels + channel] = requantized(
            Float(sum) * multipliers[position], p.requantization)
    }
}

func referenceAdd(_ add: UnsafePointer<ck_add>, first: Int, count: Int) {
    let p = unsafe add.pointee
    for i in first..<first + count { unsafe p.out[i] = added(p.a[i], p.b[i], p) }
}

/// The sum of two bytes, each in its own format.
func added(_ a: UInt8, _ b: UInt8, _ p: ck_add) -> UInt8 {
    let first = unsafe Float(Int32(a) - p.a_zero_point) * p.a_ratio
    let second = unsafe Float(Int32(b) - p.b_zero_point) * p.b_ratio
    return unsafe requantized(first + second, p.requantization)
}
