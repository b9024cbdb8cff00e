import Inference
import Kernels
import Tensors
import Testing

struct ArenaLayoutTests {
    @Test(arguments: 0..<50 as Range<UInt64>)
    func livingActivationsNeverShareBytes(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let reservations = (0..<1 + random.index(below: 30)).map { _ in
            let first = random.index(below: 20)
            return ArenaLayout.Reservation(
                count: random.index(below: 5000), margin: random.index(below: 100),
                lifetime: first...first + random.index(below: 5))
        }
        let layout = ArenaLayout(reservations)
        for (i, a) in reservations.enumerated() {
            #expect(layout.offsets[i] + a.extent <= layout.stride, "seed \(seed)")
            for (j, b) in reservations.enumerated() where j < i && a.lifetime.overlaps(b.lifetime) {
                let isApart =
                    layout.offsets[i] + a.extent <= layout.offsets[j]
                    || layout.offsets[j] + b.extent <= layout.offsets[i]
                #expect(isApart, "seed \(seed): \(i) and \(j)")
            }
        }
    }

    @Test func aChainNeedsTwoAtATime() {
        let chain = (0..<10).map {
            ArenaLayout.Reservation(count: 1000, margin: 0, lifetime: $0...$0 + 1)
        }
        #expect(ArenaLayout(chain).stride == 2 * chain[0].extent)
        #expect(ArenaLayout([]).stride == 0)
    }
}

struct CrewTests {
    // The counts are written without a lock, so that `tools/sanitize thread` sees whether each task
    // is one thread's, and whether one job is over before the next begins.
    @Test(arguments: [1, 2, 5])
    func everyTaskIsDoneOnce(threads: Int) {
        let counts = AlignedMemory<Int>(count: 100)
        let crew = Crew<Int>(threads: threads) { job, task, _ in counts[task] += job }
        // Many short jobs, some with fewer tasks than threads, some with none.
        var expected = [Int](repeating: 0, count: 100)
        for job in 1...300 {
            let tasks = job % 101
            crew.run(job, tasks: tasks)
            for task in 0..<tasks { expected[task] += job }
        }
        #expect(counts.elements(0..<100) == expected)
    }
}
