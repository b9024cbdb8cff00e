import Clustering
import Tensors
import TestSupport
import Testing

struct NearestNeighboursTests {
    // Rows at, below and above a block's 64; coordinates far from the origin, where products lose
    // what distinguishes the distances; copies, of which the lowest come first.
    @Test(arguments: [(1, 0), (2, 0), (64, 0), (65, 1000), (200, 0), (200, 1000)])
    func theyAreTheExactOnes(count: Int, offset: Int) {
        var random = SeededGenerator(seed: 5)
        var rows = (0..<count).map { _ in
            (0..<3).map { _ in Float(offset) + random.uniform() }
        }
        for row in stride(from: 7, to: count, by: 7) { rows[row] = rows[row - 7] }
        let points = Tensor(rows.flatMap { $0 }, shape: [count, 3])
        let found = NearestNeighbours(of: points, neighbours: 5)
        #expect(found.count == min(5, count - 1))
        for row in 0..<count {
            let distances = rows.map { other in
                zip(rows[row], other).reduce(0.0) {
                    let difference = Double($1.0) - Double($1.1)
                    return $0 + difference * difference
                }
            }
            let order = (0..<count).filter { $0 != row }
                .sorted { (distances[$0], $0) < (distances[$1], $1) }.prefix(5)
            let slots = row * found.count..<(row + 1) * found.count
            #expect(found.indices[slots].map { Int($0) } == Array(order))
            #expect(Array(found.distances[slots]) == order.map { Float(distances[$0]) })
        }
    }
}
