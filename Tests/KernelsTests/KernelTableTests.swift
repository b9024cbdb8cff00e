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
}
