private import Tensors

/// The largest eigenvalues of a large symmetric matrix `S`, by the block Lanczos method.
///
/// A basis `V` of orthonormal rows grows by a block at a time, each being what `S` makes of the
/// block before without what `V` holds already. The eigenvalues of `V·S·Vᵀ` then close in on
/// those of `S` from the ends of the spectrum: for 256 eigenvalues of 4,096, three times as
/// many rows give the accuracy of LAPACK. The work is products of matrices, which threads
/// share, where LAPACK's reduction to three diagonals reads the matrix once for every row.
///
/// An eigenvalue that comes more often than a block has rows shows by rounding only, which the
/// iteration enlarges before the others have converged.
///
/// Source: Golub and Van Loan, "Matrix Computations", 4th edition, chapter 10.
package struct BlockLanczos {
    /// The number of rows that join at a time: fewer converge sooner, more multiply faster.
    private static let block = 32
    /// How many blocks join between two looks at the eigenvalues.
    private static let interval = 3
    /// The largest `|S·y − λ·y|` as a share of the largest eigenvalue, and the share of it
    /// that counts as nothing: the backward error of LAPACK at thousands of rows.
    private static let (tolerance, negligible) = (0x1p-43, 0x1p-46)

    /// `S`, `[order, order]`.
    private let matrix: [Double]
    private let order: Int
    private let count: Int
    /// The most rows of the basis that are less work than LAPACK's reduction.
    private let limit: Int
    /// `V`, `[limit, order]`, of which `dimension` rows are there.
    private var basis: [Double]
    private var dimension = 0
    /// `V·S·Vᵀ`, `[limit, limit]`, of which `dimension` rows and columns are there.
    private var projected: [Double]
    /// The length of the longest row of `V·S`, at most the largest absolute eigenvalue.
    private var scale = 0.0
    private var random = SeededGenerator(seed: 1)

    /// Whether the method can be expected to be quicker than LAPACK.
    static func suits(order: Int, count: Int) -> Bool { order >= 2_000 && 8 * count <= order }

    /// An empty basis for the `count` largest eigenvalues of a matrix.
    ///
    /// - Parameters:
    ///   - matrix: `[order, order]`, finite, of which the upper triangle is read.
    ///   - order: The order of the matrix.
    ///   - count: How many eigenvalues.
    package init(upperTriangle matrix: [Double], order: Int, count: Int) {
        var full = matrix
        DoubleProducts.mirrorUpperTriangle(of: &full, order: order)
        self.matrix = full
        self.order = order
        self.count = count
        limit = min(order / 2, 4 * count + 16 * Self.block)
        basis = [Double](repeating: 0, count: limit * order)
        projected = [Double](repeating: 0, count: limit * limit)
    }

    /// The eigenvalues, smallest first, and their vectors as rows `[count, order]`; nil when
    /// they do not converge within the limit.
    package mutating func solve() -> SymmetricEigenproblem.Ascending? {
        var (block, looked) = (zeros(rows: Self.block), 0)
        while dimension + Self.block <= limit {
            join(block)
            block = residual()
            guard dimension >= 2 * count, dimension - looked >= Self.interval * Self.block else {
                continue
            }
            looked = dimension
            guard let ritz = ritz(residual: block) else { return nil }
            if ritz.error <= Self.tolerance * scale { return pairs(ritz.values, ritz.weights) }
        }
        return nil
    }

    private func zeros(rows: Int) -> [Double] { [Double](repeating: 0, count: rows * order) }

    /// Adds a block to the basis; rows that are next to nothing are replaced by random ones.
    private mutating func join(_ block: [Double]) {
        var block = block
        orthonormalize(&block, negligible: Self.negligible * scale)
        // What a short row held of the basis by rounding has grown with it.
        _ = removeBasis(from: &block)
        orthonormalize(&block, negligible: 0)
        basis.replaceSubrange(dimension * order..<(dimension + Self.block) * order, with: block)
        dimension += Self.block
    }

    /// What `S` makes of the last block, without what the basis holds of it.
    private mutating func residual() -> [Double] {
        let first = dimension - Self.block
        var rows = zeros(rows: Self.block)
        DoubleProducts.addProduct(
            of: Array(basis[first * order..<dimension * order]), columns: 0..<order,
            stride: order, rows: Self.block, with: matrix, width: order, to: &rows)
        for row in 0..<Self.block {
            scale = max(scale, Self.length(of: rows[row * order..<(row + 1) * order]))
        }
        let shares = removeBasis(from: &rows)
        for row in 0..<Self.block {
            for column in 0..<dimension {
                let share = shares[row * dimension + column]
                projected[(first + row) * limit + column] = share
                projected[column * limit + first + row] = share
            }
        }
        return rows
    }

    /// Subtracts from rows their projections on the basis.
    ///
    /// - Returns: The factors that the rows of the basis had, `[rows, dimension]`.
    private func removeBasis(from rows: inout [Double]) -> [Double] {
        let count = rows.count / order
        var shares = [Double](repeating: 0, count: count * dimension)
        DoubleProducts.addProduct(
            of: rows, columns: 0..<order, stride: order, rows: count, with: basis,
            transposed: true, width: dimension, to: &shares)
        DoubleProducts.addProduct(
            of: shares.map { -$0 }, columns: 0..<dimension, stride: dimension, rows: count,
            with: basis, width: order, to: &rows)
        return shares
    }

    /// Makes rows orthonormal, one after the other; those of `negligible` length or less
    /// become random first.
    private mutating func orthonormalize(_ rows: inout [Double], negligible: Double) {
        for row in 0..<rows.count / order {
            let range = row * order..<(row + 1) * order
            removeEarlierRows(from: range, of: &rows)
            if Self.length(of: rows[range]) <= negligible {
                for index in range { rows[index] = Double(random.normal()) }
                removeEarlierRows(from: range, of: &rows)
            }
            let length = Self.length(of: rows[range])
            for index in range { rows[index] /= length }
        }
    }

    /// Subtracts from the row at `range` its projections on the rows before it.
    private func removeEarlierRows(from range: Range<Int>, of rows: inout [Double]) {
        unsafe rows.withUnsafeMutableBufferPointer { rows in
            let row = unsafe rows.baseAddress! + range.lowerBound
            // The second time takes what rounding left of the first.
            for _ in 0..<2 {
                for start in stride(from: 0, to: range.lowerBound, by: order) {
                    let earlier = unsafe rows.baseAddress! + start
                    unsafe BLAS.add(earlier, times: -BLAS.dot(earlier, row, order), to: row, order)
                }
            }
        }
    }

    private static func length(of row: ArraySlice<Double>) -> Double {
        row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    /// The largest eigenvalues of `V·S·Vᵀ`, smallest first, their vectors `[count, dimension]`,
    /// and the largest distance `|S·y − λ·y|`, which is what the last block's residual has in
    /// the vectors; nil without convergence.
    private func ritz(
        residual: [Double]
    ) -> (values: [Double], weights: [Double], error: Double)? {
        var small: [Double] = []
        small.reserveCapacity(dimension * dimension)
        for row in 0..<dimension { small += projected[row * limit..<row * limit + dimension] }
        guard let solved = SymmetricEigenproblem.selected(small, dimension, count) else {
            return nil
        }
        var errors = zeros(rows: count)
        DoubleProducts.addProduct(
            of: solved.vectors, columns: dimension - Self.block..<dimension, stride: dimension,
            rows: count, with: residual, width: order, to: &errors)
        return (solved.values, solved.vectors, longestRow(of: errors))
    }

    private func longestRow(of rows: [Double]) -> Double {
        stride(from: 0, to: rows.count, by: order).reduce(0) {
            max($0, Self.length(of: rows[$1..<$1 + order]))
        }
    }

    /// The eigenvalues with their vectors `weights · V`; nil if these do not satisfy the equation.
    private func pairs(
        _ values: [Double], _ weights: [Double]
    ) -> SymmetricEigenproblem.Ascending? {
        var (vectors, errors) = (zeros(rows: count), zeros(rows: count))
        DoubleProducts.addProduct(
            of: weights, columns: 0..<dimension, stride: dimension, rows: count, with: basis,
            width: order, to: &vectors)
        for row in 0..<count {
            for column in 0..<order {
                errors[row * order + column] = -values[row] * vectors[row * order + column]
            }
        }
        DoubleProducts.addProduct(
            of: vectors, columns: 0..<order, stride: order, rows: count, with: matrix,
            width: order, to: &errors)
        guard longestRow(of: errors) <= 2 * Self.tolerance * scale else { return nil }
        return (values, vectors)
    }
}
