/// The upper triangular `U` with `UᵀU = A⁻¹` of a symmetric positive definite matrix `A`.
///
/// Computed without the inverse: the Cholesky factor `L` of `A` with its rows and columns in
/// opposite order, inverted, is `U` in opposite order.
package struct InverseFactor: Sendable {
    /// The order of the matrix.
    package let order: Int
    /// `U`, `[order, order]` row-major, zeros below the diagonal.
    package let elements: [Double]

    /// Factorizes a matrix.
    ///
    /// - Parameters:
    ///   - matrix: `[order, order]`, finite, of which the upper triangle is read.
    ///   - order: The order of the matrix, 1 or more.
    /// - Throws: `LinearAlgebraError.notPositiveDefinite`.
    /// - Complexity: O(order³) time, two copies of the matrix.
    package init(upperTriangle matrix: [Double], order: Int) throws(LinearAlgebraError) {
        precondition(matrix.count == order * order, "\(matrix.count) elements for order \(order)")
        precondition(order > 0, "order \(order)")
        // From here on a lower triangle row by row, which is LAPACK's upper one.
        var turned = Self.turned(matrix, order: order)
        var (n, info): (CInt, CInt) = (CInt(order), 0)
        unsafe BLAS.library.dpotrf("U", &n, &turned, &n, &info, 1)
        precondition(info >= 0, "argument \(-info) of dpotrf")
        guard info == 0 else { throw .notPositiveDefinite(order: order) }
        unsafe BLAS.library.dtrtri("U", "N", &n, &turned, &n, &info, 1, 1)
        precondition(info == 0, "dtrtri says \(info)")
        self.order = order
        elements = Self.turned(turned, order: order, lower: true)
    }

    /// One triangle of a matrix with rows and columns in opposite order, which makes it the
    /// other; zeros elsewhere.
    private static func turned(_ matrix: [Double], order: Int, lower: Bool = false) -> [Double] {
        var result = [Double](repeating: 0, count: order * order)
        var to = result.mutableSpan
        let from = matrix.span
        for row in 0..<order {
            let columns = lower ? 0..<row + 1 : row..<order
            let target = (order - 1 - row) * order + order - 1
            for column in columns { to[target - column] = from[row * order + column] }
        }
        return result
    }
}
