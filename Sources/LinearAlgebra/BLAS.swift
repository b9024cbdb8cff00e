import COpenBLAS

/// The calls into OpenBLAS, over row-major matrices.
///
/// For one thread count on one kind of CPU, equal arguments give equal bytes. The thread
/// count belongs to the process; the caller sets it once at start. Several threads may
/// call at the same time.
package enum BLAS {
    /// Sets how many threads one call uses, one or more, for the whole process.
    package static func setThreads(_ count: Int) {
        precondition(count > 0, "\(count) BLAS threads")
        openblas_set_num_threads(CInt(count))
    }

    /// How many threads one call uses.
    package static var threads: Int { Int(openblas_get_num_threads()) }

    /// `C ← alpha · op(A) · op(B) + beta · C` in Float, row-major.
    ///
    /// - Parameters:
    ///   - transposeA: Whether A is stored as `[k, m]` instead of `[m, k]`.
    ///   - transposeB: Whether B is stored as `[n, k]` instead of `[k, n]`.
    ///   - m: Rows of `op(A)` and C.
    ///   - n: Columns of `op(B)` and C.
    ///   - k: The length of each dot product.
    ///   - alpha: The factor of the product.
    ///   - a: The first element of A.
    ///   - lda: Elements from one stored row of A to the next.
    ///   - b: The first element of B.
    ///   - ldb: Elements from one stored row of B to the next.
    ///   - beta: The factor of what C holds; with zero, C is only written.
    ///   - c: The first element of C, `[m, n]`.
    ///   - ldc: Elements from one row of C to the next.
    @unsafe package static func gemm(
        transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float,
        a: UnsafePointer<Float>, lda: Int, b: UnsafePointer<Float>, ldb: Int, beta: Float,
        c: UnsafeMutablePointer<Float>, ldc: Int
    ) {
        unsafe cblas_sgemm(
            CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans,
            transposeB ? CblasTrans : CblasNoTrans, CInt(m), CInt(n), CInt(k), alpha, a,
            CInt(lda), b, CInt(ldb), beta, c, CInt(ldc))
    }

    /// Adds `A · Aᵀ`, or `Aᵀ · A` when `transposed`, to the upper triangle of `c` in Double.
    ///
    /// - Parameters:
    ///   - transposed: Whether the sum runs over the rows of A instead of its columns.
    ///   - order: The order of `c`.
    ///   - depth: The number of terms in each sum.
    ///   - a: A, contiguous: `[order, depth]`, or `[depth, order]` when `transposed`.
    ///   - c: `[order, order]`; below the diagonal nothing is read or written.
    package static func addSelfProduct(
        transposed: Bool, order: Int, depth: Int, a: [Double], to c: inout [Double]
    ) {
        precondition(a.count >= order * depth && c.count == order * order, "wrong extents")
        guard order > 0, depth > 0 else { return }
        unsafe a.withUnsafeBufferPointer { a in
            unsafe c.withUnsafeMutableBufferPointer { c in
                unsafe cblas_dsyrk(
                    CblasRowMajor, CblasUpper, transposed ? CblasTrans : CblasNoTrans,
                    CInt(order), CInt(depth), 1, a.baseAddress,
                    CInt(transposed ? order : depth), 1, c.baseAddress, CInt(order))
            }
        }
    }

    /// Adds to `c` the product of some columns of A with the matrix B, in Double.
    ///
    /// - Parameters:
    ///   - a: A, `[rows, stride]`.
    ///   - columns: The columns of A that take part.
    ///   - stride: The number of columns of A.
    ///   - rows: The number of rows of A and of `c`.
    ///   - b: B, `[columns.count, width]`.
    ///   - width: The number of columns of B and of `c`.
    ///   - c: `[rows, width]`.
    package static func addProduct(
        of a: [Double], columns: Range<Int>, stride: Int, rows: Int, with b: [Double], width: Int,
        to c: inout [Double]
    ) {
        precondition(columns.lowerBound >= 0 && columns.upperBound <= stride, "\(columns)")
        precondition(
            a.count == rows * stride && b.count == columns.count * width
                && c.count == rows * width, "wrong extents")
        guard rows > 0, width > 0, !columns.isEmpty else { return }
        unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe c.withUnsafeMutableBufferPointer { c in
                    unsafe cblas_dgemm(
                        CblasRowMajor, CblasNoTrans, CblasNoTrans, CInt(rows), CInt(width),
                        CInt(columns.count), 1, a.baseAddress! + columns.lowerBound,
                        CInt(stride), b.baseAddress, CInt(width), 1, c.baseAddress, CInt(width))
                }
            }
        }
    }
}
