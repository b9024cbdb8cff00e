import COpenBLAS
private import Foundation

/// The calls into OpenBLAS, over row-major matrices, each on the thread that makes it.
///
/// OpenBLAS's own threads are switched off: their number belongs to the whole process, and the
/// last bits of a result depend on it. Larger products are cut into `Blocks` of a fixed size
/// instead, so that equal arguments give equal bytes on one kind of CPU, whatever the number
/// of threads and whatever else runs. Several threads may call at the same time.
package enum BLAS {
    /// Sets how many threads share the work of the products that are cut into blocks, one or
    /// more, for the whole process; no result depends on it.
    ///
    /// Loads OpenBLAS, best before other threads are started: that changes the environment for a
    /// moment.
    package static func setThreads(_ count: Int) {
        Blocks.threads = count
        _ = library
    }

    /// How many threads share the work of the products that are cut into blocks.
    package static var threads: Int { Blocks.threads }

    /// The kernel of OpenBLAS that computes, on which the last bits of every result depend.
    package static var kernel: BLASKernel { library.kernel }

    /// How that kernel was chosen, in a few words for people.
    package static var kernelReason: String {
        switch chosen.reason {
        case .own: "the library's own choice"
        case .asked: "as OPENBLAS_CORETYPE asks"
        case .better(let own): "instead of the library's own choice, \(own)"
        }
    }

    /// The library, loaded at the first use.
    package static var library: OpenBLAS { chosen.library }

    // Without the library there is nothing to compute with, as when it could not be linked.
    private static let chosen: (library: OpenBLAS, reason: OpenBLAS.Reason) = {
        func tell(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
        do {
            return try OpenBLAS.best(tell: tell)
        } catch {
            tell("\(error)")
            exit(1)
        }
    }()

    /// `C ← alpha · op(A) · op(B) + beta · C` in Float, row-major, on this thread.
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
        unsafe library.sgemm(
            CInt(COB_ROW_MAJOR), OpenBLAS.form(transposeA), OpenBLAS.form(transposeB), CInt(m),
            CInt(n), CInt(k), alpha, a, CInt(lda), b, CInt(ldb), beta, c, CInt(ldc))
    }

    /// `C ← op(A) · op(B) + C` in Double, row-major, on this thread; see the Float form.
    @unsafe static func addProduct(
        transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, a: UnsafePointer<Double>,
        lda: Int, b: UnsafePointer<Double>, ldb: Int, to c: UnsafeMutablePointer<Double>,
        ldc: Int
    ) {
        unsafe library.dgemm(
            CInt(COB_ROW_MAJOR), OpenBLAS.form(transposeA), OpenBLAS.form(transposeB), CInt(m),
            CInt(n), CInt(k), 1, a, CInt(lda), b, CInt(ldb), 1, c, CInt(ldc))
    }

    /// The sum of the products of two rows of `count` elements.
    @unsafe static func dot(
        _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int
    ) -> Double {
        unsafe library.ddot(CInt(count), a, 1, b, 1)
    }

    /// `b ← factor · a + b`, of rows of `count` elements.
    @unsafe static func add(
        _ a: UnsafePointer<Double>, times factor: Double, to b: UnsafeMutablePointer<Double>,
        _ count: Int
    ) {
        unsafe library.daxpy(CInt(count), factor, a, 1, b, 1)
    }
}
