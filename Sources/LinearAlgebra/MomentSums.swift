package import Tensors

/// The mean and the covariance of rows that come a few at a time.
///
/// Summed in Double around the mean of the first rows, so that large means take nothing from
/// the small eigenvalues.
package struct MomentSums: Sendable {
    /// The number of columns.
    package let width: Int
    /// The number of rows so far.
    package private(set) var count = 0

    private var centre: [Double] = []
    /// Sums of the differences to `centre`, and of their products (the upper triangle).
    private var first: [Double]
    private var second: [Double]

    /// Below so many columns a loop is quicker than a call of BLAS.
    private static let smallWidth = 32

    /// Sums over no rows yet.
    package init(width: Int) {
        self.width = width
        first = [Double](repeating: 0, count: width)
        second = [Double](repeating: 0, count: width * width)
    }

    /// Adds rows, `[n, width]`.
    package mutating func add(_ rows: Tensor<Float>) {
        let n = rows.shape[0]
        precondition(rows.rowSize == width, "rows of \(rows.rowSize), not \(width)")
        guard n > 0 else { return }
        if count == 0 { centre = Moments.columnMeans(of: rows) }
        count += n
        let differences = differences(of: rows)
        for row in stride(from: 0, to: n * width, by: width) {
            for column in 0..<width { first[column] += differences[row + column] }
        }
        guard width < Self.smallWidth else {
            DoubleProducts.addSelfProduct(
                transposed: true, order: width, depth: n, a: differences, to: &second)
            return
        }
        let values = differences.span
        let width = width
        var sums = second.mutableSpan
        for row in stride(from: 0, to: n * width, by: width) {
            for i in 0..<width {
                let value = values[row + i]
                for j in i..<width { sums[i * width + j] += value * values[row + j] }
            }
        }
    }

    private func differences(of rows: Tensor<Float>) -> [Double] {
        let values = rows.elements.span
        return unsafe [Double](unsafeUninitializedCapacity: values.count) { buffer, filled in
            for row in stride(from: 0, to: values.count, by: width) {
                for column in 0..<width {
                    unsafe buffer[row + column] = Double(values[row + column]) - centre[column]
                }
            }
            filled = values.count
        }
    }

    /// The mean of each column; zeros where there is no row.
    package var mean: [Double] {
        guard count > 0 else { return first }
        return zip(centre, first).map { $0 + $1 / Double(count) }
    }

    /// The covariance, divided by the number of rows: the upper triangle of `[width, width]`.
    package var covariance: [Double] {
        guard count > 0 else { return second }
        let n = Double(count)
        var result = second
        var values = result.mutableSpan
        for i in 0..<width {
            for j in i..<width {
                values[i * width + j] = values[i * width + j] / n - first[i] / n * (first[j] / n)
            }
        }
        return result
    }
}
