import Evaluation
import Tensors
import Testing

struct LabelMatchingTests {
    @Test func theBestMatchingIsNotTheGreedyOne() {
        // Greedy takes 9 and is left with 0; 8 + 7 is more.
        #expect(LabelMatching.assignment(maximizing: [[9, 8], [7, 0]]) == [1, 0])
        #expect(LabelMatching.assignment(maximizing: [[1, 5, 3]]) == [1])
        #expect(LabelMatching.assignment(maximizing: []) == [])
    }

    @Test func agreesWithTryingAllMatchings() {
        var random = SeededGenerator(seed: 1955)
        for _ in 0..<200 {
            let rows = 1 + random.index(below: 4)
            let columns = rows + random.index(below: 3)
            let weights = (0..<rows).map { _ in
                (0..<columns).map { _ in random.index(below: 12) }
            }
            let found = LabelMatching.assignment(maximizing: weights)
            #expect(Set(found).count == rows)
            let sum = zip(weights, found).reduce(0) { $0 + $1.0[$1.1] }
            #expect(sum == Self.best(weights[...], free: Set(0..<columns)), "\(weights)")
        }
    }

    private static func best(_ weights: ArraySlice<[Int]>, free: Set<Int>) -> Int {
        guard let row = weights.first else { return 0 }
        return free.map { row[$0] + best(weights.dropFirst(), free: free.subtracting([$0])) }
            .max() ?? 0
    }

    @Test func clustersBeyondTheLabelsCountAsWrong() {
        #expect(LabelMatching.accuracy(clusters: [5, 5, 7, 7], labels: [0, 0, 1, 1]) == 1)
        #expect(LabelMatching.accuracy(clusters: [5, 6, 7, 7], labels: [0, 0, 1, 1]) == 0.75)
        #expect(LabelMatching.accuracy(clusters: [5, 5, 5, 5], labels: [0, 0, 1, 2]) == 0.5)
        #expect(LabelMatching.accuracy(clusters: [], labels: []) == 1)
    }
}
