private import LinearAlgebra

/// The graph of points and their nearest neighbours, with its weights normalized:
/// `S = D^-½ · W · D^-½`.
///
/// `W = ½ · (A + Aᵀ)`, where A has a 1 for each neighbour of each point: mutual neighbours weigh
/// 1, others ½. D has the sums of the rows. A point is no neighbour of its own: scikit-learn counts
/// it among the neighbours, so with one more of them, and takes its loop away again.
struct NeighbourGraph {
    /// Where the edges of each point begin in `others`, and where the last ones end.
    private let starts: [Int]
    /// The points at the other ends of each point's edges, in ascending order.
    private let others: [Int32]
    /// What the edges weigh in S.
    private let weights: [Double]
    /// √D: the root of each point's row sum in W.
    let degreeRoots: [Double]

    /// The number of points.
    var count: Int { starts.count - 1 }

    /// - Parameters:
    ///   - near: At least one neighbour of each point.
    ///   - count: The number of points.
    init(_ near: NearestNeighbours, count: Int) {
        precondition(near.count > 0 || count == 1, "\(count) points without neighbours")
        var lists = [[Int32]](repeating: [], count: count)
        for slot in near.indices.indices {
            let (point, other) = (slot / near.count, near.indices[slot])
            lists[point].append(other)
            lists[Int(other)].append(Int32(point))
        }
        // A mutual neighbour is twice in a list, so half its length is the sum of the weights.
        let roots = lists.map { (Double($0.count) / 2).squareRoot() }
        var (starts, others, weights): ([Int], [Int32], [Double]) = ([0], [], [])
        others.reserveCapacity(2 * near.indices.count)
        weights.reserveCapacity(2 * near.indices.count)
        for (point, list) in lists.enumerated() {
            for other in list.sorted() {
                let weight = 0.5 / (roots[point] * roots[Int(other)])
                if others.count > starts[point], others[others.count - 1] == other {
                    weights[weights.count - 1] += weight
                } else {
                    others.append(other)
                    weights.append(weight)
                }
            }
            starts.append(others.count)
        }
        (self.starts, self.others, self.weights) = (starts, others, weights)
        degreeRoots = roots
    }

    /// The connected component of each point, numbered in order of appearance.
    ///
    /// There are as many as S has eigenvalues of 1, its largest.
    func components() -> [Int32] {
        var numbers = [Int32](repeating: -1, count: count)
        var found: Int32 = 0
        for first in 0..<count where numbers[first] < 0 {
            numbers[first] = found
            var open = [first]
            while let point = open.popLast() {
                for edge in starts[point]..<starts[point + 1] {
                    let other = Int(others[edge])
                    guard numbers[other] < 0 else { continue }
                    numbers[other] = found
                    open.append(other)
                }
            }
            found += 1
        }
        return numbers
    }

    /// The largest eigenvalues of S, largest first, and their vectors as columns, `[n, count]`.
    func leadingEigenvectors(
        _ count: Int, tolerance: Double
    ) throws(ClusteringError) -> (values: [Double], vectors: [Double]) {
        do {
            // By Perron and Frobenius no eigenvalue is larger than the 1 of √D.
            let solved = try FilteredSubspace(
                order: self.count, count: count, within: -1...1, tolerance: tolerance
            ) { block, product in
                for point in product.indices {
                    var sum = FilteredSubspace.Lanes.zero
                    for edge in starts[point]..<starts[point + 1] {
                        sum += weights[edge] * block[Int(others[edge])]
                    }
                    product[point] = sum
                }
            }
            return (solved.values, solved.vectors)
        } catch {
            throw ClusteringError(error)
        }
    }
}
