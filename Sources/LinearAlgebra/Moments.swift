package import Tensors

/// Means and second moments of the rows of a matrix, summed in Double over centred values.
///
/// Float sums of raw values lose the small eigenvalues when the means are large, and give
/// negative ones; centring first and summing in Double keeps both away.
package enum Moments {
    /// How many doubles a block of converted values holds: 8 MiB, so memory stays bounded
    /// while each BLAS call has enough to do.
    private static let blockElements = 1 << 20

    /// The mean of each column of `rows`, `[n, d]` with n of 1 or more; `[d]`.
    package static func columnMeans(of rows: Tensor<Float>) -> [Double] {
        let (n, d) = (rows.shape[0], rows.rowSize)
        precondition(n > 0, "the mean of no rows")
        var sums = [Double](repeating: 0, count: d)
        let values = rows.elements.span
        var total = sums.mutableSpan
        for row in 0..<n {
            for column in 0..<d { total[column] += Double(values[row * d + column]) }
        }
        for column in 0..<d { total[column] /= Double(n) }
        return sums
    }

    /// The scatter `(X − μ)ᵀ(X − μ)`, not divided by n: the upper triangle of `[d, d]`.
    package static func scatter(of rows: Tensor<Float>, mean: [Double]) -> [Double] {
        let (n, d) = (rows.shape[0], rows.rowSize)
        precondition(mean.count == d, "\(mean.count) means for \(d) columns")
        var scatter = [Double](repeating: 0, count: d * d)
        let step = max(1, blockElements / max(1, d))
        for first in stride(from: 0, to: n, by: step) {
            let block = centred(
                rows, mean, rows: first..<min(n, first + step), columns: 0..<d)
            DoubleProducts.addSelfProduct(
                transposed: true, order: d, depth: block.count / d, a: block, to: &scatter)
        }
        return scatter
    }

    /// The Gram matrix `(X − μ)(X − μ)ᵀ`: the upper triangle of `[n, n]`.
    package static func gramian(of rows: Tensor<Float>, mean: [Double]) -> [Double] {
        let (n, d) = (rows.shape[0], rows.rowSize)
        precondition(mean.count == d, "\(mean.count) means for \(d) columns")
        var gramian = [Double](repeating: 0, count: n * n)
        let step = max(1, blockElements / max(1, n))
        for first in stride(from: 0, to: d, by: step) {
            let block = centred(
                rows, mean, rows: 0..<n, columns: first..<min(d, first + step))
            DoubleProducts.addSelfProduct(
                transposed: false, order: n, depth: block.count / n, a: block, to: &gramian)
        }
        return gramian
    }

    /// Weighted sums of the centred rows, `W · (X − μ)`, in Double.
    ///
    /// - Parameters:
    ///   - rows: X, `[n, d]`.
    ///   - mean: μ, `[d]`.
    ///   - weights: W, `[count, n]`.
    ///   - count: The number of sums.
    /// - Returns: `[count, d]`.
    package static func combinations(
        of rows: Tensor<Float>, mean: [Double], weights: [Double], count: Int
    ) -> [Double] {
        let (n, d) = (rows.shape[0], rows.rowSize)
        precondition(mean.count == d, "\(mean.count) means for \(d) columns")
        precondition(weights.count == count * n, "\(weights.count) weights for \(count) sums")
        var sums = [Double](repeating: 0, count: count * d)
        let step = max(1, blockElements / max(1, d))
        for first in stride(from: 0, to: n, by: step) {
            let range = first..<min(n, first + step)
            let block = centred(rows, mean, rows: range, columns: 0..<d)
            DoubleProducts.addProduct(
                of: weights, columns: range, stride: n, rows: count, with: block, width: d,
                to: &sums)
        }
        return sums
    }

    /// A block of `rows` as Double, with the means of its columns subtracted.
    private static func centred(
        _ matrix: Tensor<Float>, _ mean: [Double], rows: Range<Int>, columns: Range<Int>
    ) -> [Double] {
        let d = matrix.rowSize
        let values = matrix.elements.span
        let mean = mean.span
        return unsafe [Double](unsafeUninitializedCapacity: rows.count * columns.count) {
            block, count in
            for row in rows {
                for column in columns {
                    unsafe block[count] = Double(values[row * d + column]) - mean[column]
                    count += 1
                }
            }
        }
    }
}
