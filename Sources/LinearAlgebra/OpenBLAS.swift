package import COpenBLAS
private import Glibc

/// The OpenBLAS library with one of its kernels, and the routines that are called of it.
///
/// The library chooses its kernel while it is loaded, by itself or by the variable
/// `OPENBLAS_CORETYPE`, and keeps it. So it is not linked but loaded: once to see what it chooses by
/// itself and, where this CPU can do better or what it chose computes wrong products, again with
/// the variable set for as long as that takes. A load costs some milliseconds.
@safe package struct OpenBLAS: Sendable {
    /// The kernel in use.
    let kernel: BLASKernel
    package var sgemm: cob_sgemm
    package var dgemm: cob_dgemm
    let ddot: cob_ddot
    let daxpy: cob_daxpy
    let dsyevr: cob_dsyevr
    let dsyevd: cob_dsyevd
    let dpotrf: cob_dpotrf
    let dtrtri: cob_dtrtri

    private nonisolated(unsafe) let handle: UnsafeMutableRawPointer

    /// Version 0 of the interface, of any build: Debian chooses among its own by a link.
    private static let file = "libopenblas.so.0"

    /// Loads the library on one thread of its own.
    ///
    /// - Parameter wanted: The kernel to take; the library's own choice unless given.
    /// - Throws: `OpenBLASError`.
    init(_ wanted: BLASKernel?) throws(OpenBLASError) {
        let handle = unsafe Self.withEnvironment("OPENBLAS_CORETYPE", wanted?.name) {
            // It would start a thread a processor, which are not used here (see `BLAS`).
            unsafe Self.withEnvironment("OPENBLAS_NUM_THREADS", "1") {
                unsafe dlopen(Self.file, RTLD_NOW | RTLD_LOCAL)
            }
        }
        guard let handle = unsafe handle else {
            throw OpenBLASError(reason: unsafe dlerror().map { unsafe String(cString: $0) } ?? "")
        }
        func routine<Routine>(_ name: String, _: Routine.Type) throws(OpenBLASError) -> Routine {
            guard let symbol = unsafe dlsym(handle, name) else {
                throw OpenBLASError(reason: "\(Self.file) has no \(name)")
            }
            return unsafe unsafeBitCast(symbol, to: Routine.self)
        }
        unsafe self.handle = unsafe handle
        unsafe sgemm = try routine("cblas_sgemm", cob_sgemm.self)
        unsafe dgemm = try routine("cblas_dgemm", cob_dgemm.self)
        unsafe ddot = try routine("cblas_ddot", cob_ddot.self)
        unsafe daxpy = try routine("cblas_daxpy", cob_daxpy.self)
        unsafe dsyevr = try routine("dsyevr_", cob_dsyevr.self)
        unsafe dsyevd = try routine("dsyevd_", cob_dsyevd.self)
        unsafe dpotrf = try routine("dpotrf_", cob_dpotrf.self)
        unsafe dtrtri = try routine("dtrtri_", cob_dtrtri.self)
        kernel = BLASKernel(
            unsafe String(cString: try routine("openblas_get_corename", cob_get_name.self)()))
        try routine("openblas_set_num_threads", cob_set_num_threads.self)(1)
    }

    /// Takes the library out of the process, so that it can be loaded with another kernel.
    ///
    /// No routine of it may be called any more.
    private func unload() { _ = unsafe dlclose(handle) }
}

/// The reason why nothing can be computed.
package struct OpenBLASError: Error, Equatable {
    let reason: String
}

extension OpenBLASError: CustomStringConvertible {
    package var description: String {
        "OpenBLAS cannot be used: \(reason); install libopenblas0 of this or a newer Debian"
    }
}

// MARK: - Choosing

extension OpenBLAS {
    /// How a library came to its kernel.
    enum Reason: Equatable {
        /// It is what the library takes on this CPU.
        case own
        /// `OPENBLAS_CORETYPE` names it.
        case asked
        /// The library had taken `own`.
        case better(own: BLASKernel)
    }

    /// Loads the library with the best kernel that it has for this CPU and that computes right
    /// products; what `OPENBLAS_CORETYPE` asks for is taken in any case.
    ///
    /// - Parameter tell: Told of each kernel whose products are wrong.
    /// - Returns: The library, and how it came to its kernel.
    /// - Throws: `OpenBLASError`.
    static func best(
        tell: (String) -> Void
    ) throws(OpenBLASError) -> (library: OpenBLAS, reason: Reason) {
        if let asked = environment("OPENBLAS_CORETYPE") {
            let library = try OpenBLAS(BLASKernel(asked))
            guard library.kernel == BLASKernel(asked) else {
                tell(
                    "OpenBLAS has no kernel \(asked), which OPENBLAS_CORETYPE asks for, and takes "
                        + "\(library.kernel): unset it")
                return (library, .own)
            }
            if !library.multipliesWell {
                tell(
                    "OpenBLAS computes wrong products with its kernel \(library.kernel), which "
                        + "OPENBLAS_CORETYPE asks for: unset it")
            }
            return (library, .asked)
        }
        // For tests of the choice: what to take for the library's own.
        var library = try OpenBLAS(environment("DC_BLAS_OWN").map { BLASKernel($0) })
        let own = library.kernel
        let chosen = try BLASKernel.candidates(own: own, cpu: .ofThisCPU).firstSound(tell: tell) {
            kernel throws(OpenBLASError) in
            if library.kernel != kernel {
                library.unload()
                library = try OpenBLAS(kernel)
            }
            return library.kernel == kernel ? library.multipliesWell : nil
        }
        return (library, chosen == own ? .own : .better(own: own))
    }

    /// The value of a variable that is set to something.
    private static func environment(_ name: String) -> String? {
        guard let value = value(of: name), !value.isEmpty else { return nil }
        return value
    }

    private static func value(of name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// Runs `body` with a variable set, or unset where the value is nil.
    private static func withEnvironment<Result>(
        _ name: String, _ value: String?, _ body: () -> Result
    ) -> Result {
        let before = Self.value(of: name)
        func set(_ value: String?) {
            if let value { unsafe setenv(name, value, 1) } else { unsafe unsetenv(name) }
        }
        set(value)
        defer { set(before) }
        return body()
    }
}

// MARK: - Checking

extension OpenBLAS {
    /// Whether a few products come out right.
    ///
    /// Old builds of the library compute wrong ones on some CPUs.
    ///
    /// Every factor is a product of small whole numbers, one of its row and one of its column, so
    /// that sums are exact in Float and known without computing the product another way. Sizes are
    /// at and beside those of the kernels' tiles, and some are below those from which on matrices
    /// are packed.
    package var multipliesWell: Bool {
        for (m, n, k) in [(1, 1, 1), (5, 3, 7), (16, 16, 16), (33, 31, 40), (97, 130, 150)] {
            for (alpha, beta) in [(1, 1), (1, 0), (-2, 1)] {
                for (turnsA, turnsB) in [
                    (false, false), (false, true), (true, false), (true, true),
                ] {
                    let product = Product(m, n, k, turnsA, turnsB, alpha: alpha, beta: beta)
                    guard product.isRight(self) else { return false }
                }
            }
        }
        return true
    }

    /// How CBLAS is told whether a matrix is stored by its columns.
    static func form(_ isTransposed: Bool) -> CInt {
        CInt(isTransposed ? COB_TRANSPOSED : COB_AS_IS)
    }
}

/// A product whose result is known.
private struct Product {
    private let m, n, k, alpha, beta: Int
    private let turnsA, turnsB: Bool
    private let a, b, expected: [Int]

    init(
        _ m: Int, _ n: Int, _ k: Int, _ turnsA: Bool, _ turnsB: Bool, alpha: Int, beta: Int
    ) {
        let (rows, columns) = (Self.numbers(m, 3), Self.numbers(n, 5))
        let (left, right) = (Self.numbers(k, 7), Self.numbers(k, 11))
        let sum = alpha * zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
        a = turnsA ? Self.outer(left, rows) : Self.outer(rows, left)
        b = turnsB ? Self.outer(columns, right) : Self.outer(right, columns)
        expected = rows.flatMap { row in columns.map { beta + row * $0 * sum } }
        (self.m, self.n, self.k, self.alpha, self.beta) = (m, n, k, alpha, beta)
        (self.turnsA, self.turnsB) = (turnsA, turnsB)
    }

    /// Whether a library computes it, in Float and in Double.
    func isRight(_ library: OpenBLAS) -> Bool {
        let forms = (OpenBLAS.form(turnsA), OpenBLAS.form(turnsB))
        let (lda, ldb) = (CInt(turnsA ? m : k), CInt(turnsB ? k : n))
        // What is only to be written holds nothing that could be added.
        var float = [Float](repeating: beta == 0 ? .nan : 1, count: m * n)
        unsafe library.sgemm(
            CInt(COB_ROW_MAJOR), forms.0, forms.1, CInt(m), CInt(n), CInt(k), Float(alpha),
            a.map { Float($0) }, lda, b.map { Float($0) }, ldb, Float(beta), &float, CInt(n))
        var double = [Double](repeating: beta == 0 ? .nan : 1, count: m * n)
        unsafe library.dgemm(
            CInt(COB_ROW_MAJOR), forms.0, forms.1, CInt(m), CInt(n), CInt(k), Double(alpha),
            a.map { Double($0) }, lda, b.map { Double($0) }, ldb, Double(beta), &double, CInt(n))
        return float == expected.map { Float($0) } && double == expected.map { Double($0) }
    }

    /// `count` whole numbers from −2 to 2 in no order that a wrong loop would share.
    private static func numbers(_ count: Int, _ step: Int) -> [Int] {
        (0..<count).map { ($0 * $0 + step * $0 + step) % 31 % 5 - 2 }
    }

    /// The matrix of all products, row by row.
    private static func outer(_ rows: [Int], _ columns: [Int]) -> [Int] {
        rows.flatMap { row in columns.map { row * $0 } }
    }
}
