import LinearAlgebra
public import Tensors

/// Divides each row by its Euclidean norm; a zero row stays zero.
///
/// The norm is summed in Double in index order, as the int8 engine does it.
///
/// - Parameter rows: `[n, d]`, finite.
/// - Returns: `[n, d]`.
public func normalizeRows(_ rows: consuming Tensor<Float>) -> Tensor<Float> {
    let (n, d) = (rows.shape[0], rows.rowSize)
    // Taken out and put back, so that a caller's last copy is changed in place.
    let shape = rows.shape
    var elements = rows.elements
    rows = Tensor([], shape: [0])
    var values = elements.mutableSpan
    for row in 0..<n {
        var sum = 0.0
        for column in 0..<d {
            let value = Double(values[row * d + column])
            sum += value * value
        }
        guard sum > 0 else { continue }
        let norm = Float(sum.squareRoot())
        for column in 0..<d { values[row * d + column] /= norm }
    }
    return Tensor(elements, shape: shape)
}

extension Tensor<Float> {
    /// The first row that holds NaN or an infinity.
    func checkFinite() throws(ClusteringError) {
        let values = elements.span
        for index in values.indices where !values[index].isFinite {
            throw .notFinite(row: index / max(1, rowSize))
        }
    }
}

/// Distances between rows, as products find them and as they are.
enum Rows {
    /// The squared length of each row, summed in Double.
    static func squaredNorms(_ rows: Tensor<Float>) -> [Float] {
        (0..<rows.shape[0]).map { row in
            Float(rows[row: row].reduce(0.0) { $0 + Double($1) * Double($1) })
        }
    }

    /// `offsets + factor · points · othersᵀ`, a row for each point: with squared norms and −2 the
    /// squared distances, but for the point's own norm.
    ///
    /// - Parameters:
    ///   - points: `[rows, d]`.
    ///   - others: `[offsets.count, d]`.
    ///   - offsets: A number for each of the others.
    ///   - rows: The number of points.
    ///   - d: The dimension.
    ///   - factor: What the products are multiplied by.
    /// - Returns: `[rows, offsets.count]`.
    @unsafe static func scores(
        _ points: UnsafeBufferPointer<Float>, _ others: UnsafeBufferPointer<Float>,
        _ offsets: some Collection<Float>, rows: Int, d: Int, factor: Float
    ) -> [Float] {
        let k = offsets.count
        var scores: [Float] = []
        scores.reserveCapacity(rows * k)
        for _ in 0..<rows { scores += offsets }
        guard d > 0, rows > 0 else { return scores }
        unsafe scores.withUnsafeMutableBufferPointer { scores in
            unsafe BLAS.gemm(
                transposeA: false, transposeB: true, m: rows, n: k, k: d, alpha: factor,
                a: points.baseAddress!, lda: d, b: others.baseAddress!, ldb: d, beta: 1,
                c: scores.baseAddress!, ldc: k)
        }
        return scores
    }

    /// The same with the others laid out beforehand, and a factor for each of them.
    @unsafe static func scores(
        _ points: UnsafeBufferPointer<Float>, _ others: PackedRows, _ factors: [Float],
        _ offsets: [Float], rows: Int
    ) -> [Float] {
        unsafe [Float](unsafeUninitializedCapacity: rows * offsets.count) { scores, count in
            unsafe factors.withUnsafeBufferPointer { factors in
                unsafe offsets.withUnsafeBufferPointer { offsets in
                    unsafe others.multiply(points, factors: factors, offsets: offsets, to: scores)
                }
            }
            count = rows * offsets.count
        }
    }

    /// How far scores are from what they would be without rounding, whatever the order in which
    /// a kernel of BLAS sums.
    ///
    /// With `u = 2⁻²⁴`, a sum of d products is off by at most `(d + 1)·u` times the sum of their
    /// magnitudes, which is at most `‖x‖·‖c‖`; the factor, the sum with the offset and the offset's
    /// own rounding add three more. The offset may be added to once for every few hundred products.
    ///
    /// Source: Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, section 3.1.
    struct Rounding {
        /// What a score is off by at most, in units of the point's length, and beside it.
        private let slope, offset: Double

        /// The rounding of scores of points to others.
        ///
        /// - Parameters:
        ///   - norms: The squared lengths of the others.
        ///   - d: The dimension.
        ///   - factor: What the products are multiplied by.
        init(_ norms: [Float], d: Int, factor: Float) {
            let unit = 0x1p-24
            let squared = Double(norms.max() ?? 0)
            // The second order in u, and what Float loses below its normal range.
            let slack = 1.01 + Double(d) * unit
            slope = slack * unit * Double(d + 3) * Double(abs(factor)) * squared.squareRoot()
            offset =
                slack * Double(2 + d / 256) * unit * squared + Double(Float.leastNormalMagnitude)
                * Double(d + 3)
        }

        /// The largest score that may belong to the nearest, when the least is `least`.
        @unsafe func bound(least: Float, for point: UnsafeBufferPointer<Float>) -> Float {
            let length = unsafe squaredLength(point).squareRoot()
            return Float(Double(least) + 2 * (slope * length + offset)).nextUp
        }
    }

    /// The product of two rows, summed in Double in index order; each of its terms is exact.
    @unsafe static func exactProduct(
        _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>
    ) -> Double {
        var sum = 0.0
        for index in 0..<a.count { sum += unsafe Double(a[index]) * Double(b[index]) }
        return sum
    }

    /// The squared distance of two rows, summed in Double in index order.
    @unsafe static func exactSquaredDistance(
        _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>
    ) -> Double {
        var sum = 0.0
        for index in 0..<a.count {
            let difference = unsafe Double(a[index]) - Double(b[index])
            sum += difference * difference
        }
        return sum
    }

    /// The squared length, summed in Double in any order, which is quick.
    @unsafe static func squaredLength(_ row: UnsafeBufferPointer<Float>) -> Double {
        let bytes = UnsafeRawBufferPointer(row)
        let whole = row.count & ~7
        var (low, high) = (SIMD4<Double>(), SIMD4<Double>())
        for index in stride(from: 0, to: whole, by: 8) {
            let lanes = unsafe bytes.loadUnaligned(
                fromByteOffset: index * 4, as: SIMD8<Float>.self)
            let (a, b) = (SIMD4<Double>(lanes.lowHalf), SIMD4<Double>(lanes.highHalf))
            low += a * a
            high += b * b
        }
        var sum = (low + high).sum()
        for index in whole..<row.count { sum += unsafe Double(row[index]) * Double(row[index]) }
        return sum
    }

    /// The squared distances of points to one of `others` each, as `squaredDistance` gives them.
    ///
    /// - Parameters:
    ///   - points: `[n, d]`.
    ///   - others: `[k, d]`.
    ///   - chosen: For each point the row among `others`.
    ///   - d: The dimension.
    ///   - distances: Where the n distances are written.
    @unsafe static func squaredDistances(
        _ points: UnsafeBufferPointer<Float>, _ others: UnsafeBufferPointer<Float>,
        chosen: UnsafeBufferPointer<Int32>, d: Int,
        into distances: UnsafeMutableBufferPointer<Float>
    ) {
        func pair(_ row: Int) -> (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>) {
            let other = unsafe Int(chosen[row])
            return (
                points.extracting(row * d..<(row + 1) * d),
                others.extracting(other * d..<(other + 1) * d)
            )
        }
        // Each sum waits for its last addition, so four points are taken side by side.
        let (rows, columns) = (chosen.count & ~3, d & ~3)
        for row in stride(from: 0, to: rows, by: 4) {
            let pairs = unsafe (pair(row), pair(row + 1), pair(row + 2), pair(row + 3))
            func squares(
                _ pair: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>), _ column: Int
            ) -> SIMD4<Float> {
                func lanes(_ values: UnsafeBufferPointer<Float>) -> SIMD4<Float> {
                    unsafe UnsafeRawBufferPointer(values).loadUnaligned(
                        fromByteOffset: column * 4, as: SIMD4<Float>.self)
                }
                let difference = unsafe lanes(pair.0) - lanes(pair.1)
                return difference * difference
            }
            func square(
                _ pair: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>), _ column: Int
            ) -> Float {
                let difference = unsafe pair.0[column] - pair.1[column]
                return difference * difference
            }
            var sums = SIMD4<Float>()
            for column in stride(from: 0, to: columns, by: 4) {
                let a = unsafe squares(pairs.0, column)
                let b = unsafe squares(pairs.1, column)
                let c = unsafe squares(pairs.2, column)
                let e = unsafe squares(pairs.3, column)
                sums += SIMD4(a[0], b[0], c[0], e[0])
                sums += SIMD4(a[1], b[1], c[1], e[1])
                sums += SIMD4(a[2], b[2], c[2], e[2])
                sums += SIMD4(a[3], b[3], c[3], e[3])
            }
            for column in columns..<d {
                unsafe sums += SIMD4(
                    square(pairs.0, column), square(pairs.1, column), square(pairs.2, column),
                    square(pairs.3, column))
            }
            for lane in 0..<4 { unsafe distances[row + lane] = sums[lane] }
        }
        for row in rows..<chosen.count {
            let (point, other) = unsafe pair(row)
            unsafe distances[row] = squaredDistance(point, other)
        }
    }

    /// The squared distance, summed in Float in index order.
    @unsafe static func squaredDistance(
        _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>
    ) -> Float {
        var sum: Float = 0
        for index in 0..<a.count {
            let difference = unsafe a[index] - b[index]
            sum += difference * difference
        }
        return sum
    }
}
