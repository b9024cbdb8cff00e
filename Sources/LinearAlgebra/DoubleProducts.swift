/// Sums of products in Double, cut into blocks that several threads share.
package enum DoubleProducts {
    /// The side of a block of the result: two blocks of factors of 4,096 rows fill a cache of
    /// 8 MiB.
    private static let side = 128

    /// Adds `A · Aᵀ`, or `Aᵀ · A` when `transposed`, to the upper triangle of `c`.
    ///
    /// - Parameters:
    ///   - transposed: Whether the sums run over the rows of A instead of its columns.
    ///   - order: The order of `c`.
    ///   - depth: The number of terms in each sum.
    ///   - a: A, contiguous: `[order, depth]`, or `[depth, order]` when `transposed`.
    ///   - c: `[order, order]`; of what is below the diagonal only parts are written.
    static func addSelfProduct(
        transposed: Bool, order: Int, depth: Int, a: [Double], to c: inout [Double]
    ) {
        precondition(a.count == order * depth && c.count == order * order, "wrong extents")
        guard order > 0, depth > 0 else { return }
        let starts = Array(stride(from: 0, to: order, by: side))
        let tiles = starts.flatMap { row in
            starts.filter { $0 >= row }.map { (row: row, column: $0) }
        }
        let (stride, step) = transposed ? (order, 1) : (depth, depth)
        unsafe a.withUnsafeBufferPointer { a in
            unsafe c.withUnsafeMutableBufferPointer { c in
                Blocks.forEach(of: tiles.count, size: 1) { block in
                    let (row, column) = tiles[block.lowerBound]
                    unsafe BLAS.addProduct(
                        transposeA: transposed, transposeB: !transposed,
                        m: min(side, order - row), n: min(side, order - column), k: depth,
                        a: a.baseAddress! + row * step, lda: stride,
                        b: a.baseAddress! + column * step, ldb: stride,
                        to: c.baseAddress! + row * order + column, ldc: order)
                }
            }
        }
    }

    /// Adds to `c` the product of some columns of A with the matrix B.
    ///
    /// - Parameters:
    ///   - a: A, `[rows, stride]`.
    ///   - columns: The columns of A that take part.
    ///   - stride: The number of columns of A.
    ///   - rows: The number of rows of A and of `c`.
    ///   - b: B, `[columns.count, width]`, or `[width, columns.count]` when `transposed`; there
    ///     may be more rows after these.
    ///   - transposed: Whether B is stored by its columns.
    ///   - width: The number of columns of B and of `c`.
    ///   - c: `[rows, width]`.
    package static func addProduct(
        of a: [Double], columns: Range<Int>, stride: Int, rows: Int, with b: [Double],
        transposed: Bool = false, width: Int, to c: inout [Double]
    ) {
        precondition(columns.lowerBound >= 0 && columns.upperBound <= stride, "\(columns)")
        precondition(
            a.count == rows * stride && b.count >= columns.count * width
                && c.count == rows * width, "wrong extents")
        guard rows > 0, !columns.isEmpty else { return }
        let (ldb, step) = transposed ? (columns.count, columns.count) : (width, 1)
        unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe c.withUnsafeMutableBufferPointer { c in
                    Blocks.forEach(of: width, size: side) { block in
                        unsafe BLAS.addProduct(
                            transposeA: false, transposeB: transposed, m: rows, n: block.count,
                            k: columns.count, a: a.baseAddress! + columns.lowerBound,
                            lda: stride, b: b.baseAddress! + block.lowerBound * step, ldb: ldb,
                            to: c.baseAddress! + block.lowerBound, ldc: width)
                    }
                }
            }
        }
    }

    /// Copies what is above the diagonal of `matrix`, `[order, order]`, to below it.
    static func mirrorUpperTriangle(of matrix: inout [Double], order: Int) {
        precondition(matrix.count == order * order, "\(matrix.count) elements for order \(order)")
        unsafe matrix.withUnsafeMutableBufferPointer { matrix in
            nonisolated(unsafe) let matrix = unsafe matrix
            // Tile by tile, since a whole column would evict each line before its next use.
            Blocks.forEach(of: order, size: side) { rows in
                for first in Swift.stride(from: 0, to: rows.upperBound, by: side) {
                    for row in rows {
                        for column in first..<min(row, first + side) {
                            unsafe matrix[row * order + column] = matrix[column * order + row]
                        }
                    }
                }
            }
        }
    }
}
