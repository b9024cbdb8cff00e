import Clustering
import Tensors
import Testing

struct ShareReassignedTests {
    @Test func otherNumbersAloneAreNoChange() {
        #expect(ClusterQuality.shareReassigned([2, 2, 0, 1], from: [0, 0, 1, 2]) == 0)
        #expect(ClusterQuality.shareReassigned([], from: []) == 0)
    }

    /// Of a cluster that falls into three, two and one only the largest part stays.
    @Test func aClusterStaysWhereMostOfItIs() {
        let before: [Int32] = [0, 0, 0, 0, 0, 0, 1, 1]
        let now: [Int32] = [5, 5, 5, 6, 6, 7, 8, 8]
        #expect(ClusterQuality.shareReassigned(now, from: before) == 3.0 / 8)
    }

    /// Two clusters that become one cannot both be it.
    @Test func noClusterIsMatchedTwice() {
        #expect(ClusterQuality.shareReassigned([0, 0, 0, 0], from: [0, 0, 1, 1]) == 0.5)
    }

    /// Against all 5! matchings: never less than the best of them leaves, and not far above it.
    @Test func itIsCloseToTheBestMatching() {
        var random = SeededGenerator(seed: 3)
        func permutations(_ rest: [Int]) -> [[Int]] {
            rest.isEmpty
                ? [[]]
                : rest.flatMap { first in
                    permutations(rest.filter { $0 != first }).map { [first] + $0 }
                }
        }
        let matchings = permutations(Array(0..<5))
        for _ in 0..<20 {
            let before = (0..<200).map { _ in Int32(random.index(below: 5)) }
            let now = before.map { cluster in
                random.index(below: 3) == 0 ? Int32(random.index(below: 5)) : (cluster + 2) % 5
            }
            let best = matchings.map { matching in
                zip(now, before).count { matching[Int($0)] != Int($1) }
            }.min()!
            let share = ClusterQuality.shareReassigned(now, from: before)
            #expect(share >= Double(best) / 200 - 1e-12, "seed 3")
            #expect(share <= Double(best) / 200 + 0.1, "seed 3")
        }
    }
}
