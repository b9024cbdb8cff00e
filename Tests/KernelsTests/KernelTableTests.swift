import Kernels
import Testing

struct KernelTableTests {
    @Test func noNameIsTheFastestRow() throws {
        #expect(try KernelTable.row(named: nil).name == KernelTable.supported[0].name)
        #expect(try KernelTable.row(named: "").name == KernelTable.supported[0].name)
    }

    @Test func everySupportedRowCanBePinned() throws {
        for row in KernelTable.supported {
            #expect(try KernelTable.row(named: row.name).name == row.name)
        }
        #expect(KernelTable.supported.last?.name == "reference")
    }

    @Test func unknownNamesAreRefused() {
        let error = #expect(throws: KernelError.self) { try KernelTable.row(named: "AVX2") }
        #expect(
            error == .unknownInstructionSet("AVX2", known: KernelTable.all.map(\.name)))
        #expect(error?.description.contains("'AVX2'") == true)
    }

    @Test func rowsThatThisCPULacksAreRefused() {
        let supported = KernelTable.supported.map(\.name)
        for row in KernelTable.all where !supported.contains(row.name) {
            #expect(throws: KernelError.unsupportedInstructionSet(row.name, supported: supported)) {
                try KernelTable.row(named: row.name)
            }
        }
    }

    // The other tests run every row that the CPU has; these two tell in the report which it lacks.
    @Test(.enabled(if: has("avx2"), "this CPU has no AVX2: the row avx2 is not tested"))
    func avx2IsTested() throws {
        #expect(try KernelTable.row(named: "avx2").name == "avx2")
    }

    @Test(
        .enabled(
            if: has("avx512vnni"), "this CPU has no AVX-512 VNNI: the row avx512vnni is not tested")
    )
    func avx512vnniIsTested() throws {
        #expect(try KernelTable.row(named: "avx512vnni").name == "avx512vnni")
    }

    private static func has(_ row: String) -> Bool {
        KernelTable.supported.contains { $0.name == row }
    }
}
