/// The largest eigenvalues of a real symmetric matrix with their eigenvectors.
///
/// A few of a large matrix come from `BlockLanczos`; what it leaves, from LAPACK's `dsyevr`, and
/// where that does not converge, from the full divide and conquer, `dsyevd`.
package struct SymmetricEigenproblem: Sendable {
    /// The eigenvalues, largest first.
    package let values: [Double]
    /// The eigenvectors as rows `[count, order]`, of unit length, in the order of `values`.
    ///
    /// The entry of largest magnitude in each is positive, so that signs do not depend on
    /// the library.
    package let vectors: [Double]

    /// Solves for the `count` largest eigenvalues.
    ///
    /// - Parameters:
    ///   - matrix: `[order, order]`, finite, of which the upper triangle is read.
    ///   - order: The order of the matrix, 1 or more.
    ///   - count: How many eigenvalues, from 1 to `order`.
    /// - Throws: `LinearAlgebraError.noConvergence`.
    /// - Complexity: O(order³) time at most, one copy of the matrix.
    package init(
        upperTriangle matrix: [Double], order: Int, count: Int
    ) throws(LinearAlgebraError) {
        precondition(matrix.count == order * order, "\(matrix.count) elements for order \(order)")
        precondition(count >= 1 && count <= order, "\(count) eigenvalues of order \(order)")
        guard
            let ascending = Self.iterated(matrix, order, count)
                ?? Self.selected(matrix, order, count)
                ?? Self.divideAndConquer(matrix, order, count)
        else { throw .noConvergence(order: order) }
        values = ascending.values.reversed()
        vectors = Self.oriented(ascending.vectors, order: order, count: count)
    }

    /// Eigenvalues, smallest first, and their vectors as rows.
    package typealias Ascending = (values: [Double], vectors: [Double])

    /// The `count` largest by iteration; nil when that does not suit or does not converge.
    private static func iterated(_ matrix: [Double], _ order: Int, _ count: Int) -> Ascending? {
        guard BlockLanczos.suits(order: order, count: count) else { return nil }
        var iteration = BlockLanczos(upperTriangle: matrix, order: order, count: count)
        return iteration.solve()
    }

    /// The `count` largest by `dsyevr`; nil when it does not converge.
    static func selected(_ matrix: [Double], _ order: Int, _ count: Int) -> Ascending? {
        var matrix = matrix
        var values = [Double](repeating: 0, count: order)
        var vectors = [Double](repeating: 0, count: order * count)
        var support = [CInt](repeating: 0, count: 2 * count)
        var (n, first, last) = (CInt(order), CInt(order - count + 1), CInt(order))
        var (low, high, tolerance) = (0.0, 0.0, 0.0)
        var (found, info): (CInt, CInt) = (0, 0)
        var (work, lwork): ([Double], CInt) = ([0], -1)
        var (iwork, liwork): ([CInt], CInt) = ([0], -1)
        // What is the upper triangle row by row is the lower one column by column.
        func solve() {
            unsafe BLAS.library.dsyevr(
                "V", "I", "L", &n, &matrix, &n, &low, &high, &first, &last, &tolerance, &found,
                &values, &vectors, &n, &support, &work, &lwork, &iwork, &liwork, &info, 1, 1, 1)
            precondition(info >= 0, "argument \(-info) of dsyevr")
        }
        solve()  // asks for the sizes of the workspaces
        (lwork, liwork) = (CInt(work[0]), iwork[0])
        work = [Double](repeating: 0, count: Int(lwork))
        iwork = [CInt](repeating: 0, count: Int(liwork))
        solve()
        guard info == 0, Int(found) == count else { return nil }
        return (Array(values.prefix(count)), vectors)
    }

    /// The `count` largest by `dsyevd`; nil when it does not converge.
    private static func divideAndConquer(
        _ matrix: [Double], _ order: Int, _ count: Int
    ) -> Ascending? {
        var matrix = matrix
        var values = [Double](repeating: 0, count: order)
        var (n, info): (CInt, CInt) = (CInt(order), 0)
        var (work, lwork): ([Double], CInt) = ([0], -1)
        var (iwork, liwork): ([CInt], CInt) = ([0], -1)
        func solve() {
            unsafe BLAS.library.dsyevd(
                "V", "L", &n, &matrix, &n, &values, &work, &lwork, &iwork, &liwork, &info, 1, 1)
            precondition(info >= 0, "argument \(-info) of dsyevd")
        }
        solve()
        (lwork, liwork) = (CInt(work[0]), iwork[0])
        work = [Double](repeating: 0, count: Int(lwork))
        iwork = [CInt](repeating: 0, count: Int(liwork))
        solve()
        guard info == 0 else { return nil }
        return (Array(values.suffix(count)), Array(matrix.suffix(count * order)))
    }

    /// The vectors in the opposite order, each with its largest entry made positive.
    private static func oriented(_ ascending: [Double], order: Int, count: Int) -> [Double] {
        var vectors: [Double] = []
        vectors.reserveCapacity(count * order)
        for index in (0..<count).reversed() {
            let vector = ascending[index * order..<(index + 1) * order]
            let largest = vector.max { abs($0) < abs($1) } ?? 0
            vectors += largest < 0 ? vector.map { -$0 } : Array(vector)
        }
        return vectors
    }
}
