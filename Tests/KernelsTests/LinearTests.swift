import Kernels
import Tensors
import Testing

struct LinearTests {
    @Test(arguments: 0..<40)
    func everyRowGivesTheDefinedNumbers(seed: Int) {
        var random = SeededGenerator(seed: 5, stream: UInt64(seed))
        let layer = LinearCase(&random, budget: 200_000)
        let (sums, expected) = (layer.sums, layer.expected())
        for table in KernelTable.supported {
            let cut = random.uniform()
            #expect(layer.accumulate(on: table, cut: cut) == sums, "seed \(seed), row \(table)")
            #expect(layer.run(on: table, cut: cut) == expected, "seed \(seed), row \(table)")
        }
    }
}
