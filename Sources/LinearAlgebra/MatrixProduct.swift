package import Tensors

extension Tensor<Float> {
    /// The matrix product `op(self) · op(other)`.
    ///
    /// - Parameters:
    ///   - other: A matrix, `[k, n]`, or `[n, k]` with `transposeOther`.
    ///   - transposeSelf: Whether this matrix is stored as `[k, m]` instead of `[m, k]`.
    ///   - transposeOther: Whether `other` is stored as `[n, k]`.
    /// - Returns: `[m, n]`.
    package func multiplied(
        by other: Tensor<Float>, transposeSelf: Bool = false, transposeOther: Bool = false
    ) -> Tensor<Float> {
        precondition(shape.rank == 2 && other.shape.rank == 2, "\(shape) · \(other.shape)")
        let (m, k) = transposeSelf ? (shape[1], shape[0]) : (shape[0], shape[1])
        let (depth, n) =
            transposeOther ? (other.shape[1], other.shape[0]) : (other.shape[0], other.shape[1])
        precondition(k == depth, "\(shape) · \(other.shape): \(k) columns against \(depth) rows")
        var product = [Float](repeating: 0, count: m * n)
        guard m > 0, n > 0, k > 0 else { return Tensor(product, shape: [m, n]) }
        let rowStep = transposeSelf ? 1 : k
        unsafe elements.withUnsafeBufferPointer { a in
            unsafe other.elements.withUnsafeBufferPointer { b in
                unsafe product.withUnsafeMutableBufferPointer { c in
                    // Each block reads all of `other`, which pays from some hundred rows on.
                    Blocks.forEach(of: m, size: 256) { rows in
                        unsafe BLAS.gemm(
                            transposeA: transposeSelf, transposeB: transposeOther,
                            m: rows.count, n: n, k: k, alpha: 1,
                            a: a.baseAddress! + rows.lowerBound * rowStep, lda: shape[1],
                            b: b.baseAddress!, ldb: other.shape[1], beta: 0,
                            c: c.baseAddress! + rows.lowerBound * n, ldc: n)
                    }
                }
            }
        }
        return Tensor(product, shape: [m, n])
    }
}
