import CFloatLoops

/// A matrix whose rows others are multiplied with many times, `[count, width]`, laid out once for
/// `FloatLoops`.
///
/// OpenBLAS lays both matrices out anew in each call, which takes a tenth of the time where blocks are
/// as small as a cache wants them.
@safe
package final class PackedRows: @unchecked Sendable {
    private let loops: FloatLoops
    private let count, width: Int
    private let base: UnsafeMutablePointer<Float>  // not written after `init`

    /// Lays `rows` out; `nil` where this processor has no such loops, or for fewer rows than its
    /// vectors have lanes.
    ///
    /// - Parameters:
    ///   - rows: `[count, width]`.
    ///   - count: The number of rows.
    ///   - width: The length of each.
    ///   - loops: The loops to use, if there are any.
    package init?(
        _ rows: [Float], count: Int, width: Int, using loops: FloatLoops? = .current
    ) {
        precondition(rows.count == count * width, "\(rows.count) numbers for \(count) × \(width)")
        guard let loops, count >= loops.lanes, width > 0 else { return nil }
        (self.loops, self.count, self.width) = (loops, count, width)
        let size = FloatLoops.packedCount(outputs: count, inputs: width)
        let raw = UnsafeMutableRawPointer.allocate(byteCount: size * 4, alignment: 64)
        unsafe base = raw.bindMemory(to: Float.self, capacity: size)
        unsafe base.initialize(repeating: 0, count: size)
        unsafe rows.withUnsafeBufferPointer { rows in
            unsafe loops.pack(rows.baseAddress!, count, width, base)
        }
    }

    deinit { unsafe UnsafeMutableRawPointer(base).deallocate() }

    /// `factor · points · rowsᵀ + offsets`, each product summed in order by fused multiply-adds.
    ///
    /// - Parameters:
    ///   - points: `[n, width]`, one or more.
    ///   - factors: What the product with each row is multiplied by, `[count]`.
    ///   - offsets: What is added then, `[count]`.
    ///   - results: Where to write them, `[n, count]`.
    @unsafe package func multiply(
        _ points: UnsafeBufferPointer<Float>, factors: UnsafeBufferPointer<Float>,
        offsets: UnsafeBufferPointer<Float>, to results: UnsafeMutableBufferPointer<Float>
    ) {
        let n = points.count / width
        precondition(
            factors.count == count && offsets.count == count && results.count >= n * count,
            "\(n) points, \(factors.count) factors, \(offsets.count) offsets for \(count) rows")
        var ending = unsafe cfl_ending(
            scale: factors.baseAddress, shift: offsets.baseAddress, low: -.infinity,
            high: .infinity)
        unsafe loops.multiply(
            points.baseAddress, width, n, base, width, count, &ending, results.baseAddress, count)
    }
}
