import LinearAlgebra
import Testing

struct OpenBLASTests {
    @Test(arguments: [
        // The library knows the CPU, or a newer one has a kernel that is not in the table.
        ("Haswell", BLASKernel.Level.avx2, "Haswell"), ("Zen", .avx2, "Zen"),
        ("Cooperlake", .avx512, "Cooperlake"), ("Zen9", .avx512, "Zen9"),
        ("sapphirerapids", .avx512, "sapphirerapids"), ("Nehalem", .older, "Nehalem"),
        // It has fallen back, or does not know that an AMD CPU has AVX-512.
        ("Prescott", .avx512, "SkylakeX"), ("prescott", .avx2, "Haswell"),
        ("Sandybridge", .avx2, "Haswell"), ("Zen", .avx512, "SkylakeX"),
    ])
    func theBestForTheCPUComesFirst(own: String, cpu: BLASKernel.Level, first: String) {
        let candidates = BLASKernel.candidates(own: BLASKernel(own), cpu: cpu)
        #expect(candidates.first == BLASKernel(first))
        // Nothing that the CPU lacks, and nothing twice, the library's choice among the rest.
        #expect(candidates.contains(BLASKernel(own)))
        #expect(candidates.dropFirst().allSatisfy { $0.level <= cpu })
        #expect(Set(candidates.map { $0.name.lowercased() }).count == candidates.count)
    }

    @Test func otherCPUsAreLeftToTheLibrary() {
        let own = BLASKernel("NeoverseN1")
        #expect(BLASKernel.candidates(own: own, cpu: nil) == [own])
    }

    @Test func wrongProductsLeadToTheNextKernel() throws {
        let kernels = BLASKernel.candidates(own: BLASKernel("Prescott"), cpu: .avx512)
        var lines: [String] = []
        // The library lacks the first, and the second is wrong.
        let chosen = try kernels.firstSound {
            lines.append($0)
        } _: { kernel in
            kernel == BLASKernel("SkylakeX") ? nil : kernel != BLASKernel("Haswell")
        }
        #expect(chosen == BLASKernel("Prescott"))
        #expect(lines == ["OpenBLAS computes wrong products with its kernel Haswell on this CPU"])
        #expect(throws: OpenBLASError.self) {
            try kernels.firstSound { _ in
            } _: { _ in
                false
            }
        }
    }

    @Test func wrongProductsAreSeen() {
        #expect(BLAS.library.multipliesWell)
        // A kernel that forgets what C holds, one that adds to it always, and one that leaves out the
        // last column of large matrices.
        var library = BLAS.library
        unsafe library.sgemm = { order, formA, formB, m, n, k, alpha, a, lda, b, ldb, _, c, ldc in
            unsafe BLAS.library.sgemm(
                order, formA, formB, m, n, k, alpha, a, lda, b, ldb, 0, c, ldc)
        }
        #expect(!library.multipliesWell)
        library = BLAS.library
        unsafe library.sgemm = { order, formA, formB, m, n, k, alpha, a, lda, b, ldb, _, c, ldc in
            unsafe BLAS.library.sgemm(
                order, formA, formB, m, n, k, alpha, a, lda, b, ldb, 1, c, ldc)
        }
        #expect(!library.multipliesWell)
        library = BLAS.library
        unsafe library.dgemm = {
            order, formA, formB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc in
            unsafe BLAS.library.dgemm(
                order, formA, formB, m, n > 100 ? n - 1 : n, k, alpha, a, lda, b, ldb, beta, c, ldc)
        }
        #expect(!library.multipliesWell)
    }
}
