private import Foundation
public import Tensors

/// Power iteration clustering as DeepCluster runs it, which finds the number of clusters too.
///
/// Points and their nearest neighbours make a graph, whose edges weigh `exp(−d²/σ²)`; mutual ones
/// count twice. A random walk with restarts gives each point a value; each then points to the
/// neighbour it is drawn to most, and those that end at the same point are a cluster.
///
/// Only points that are really near, with d² well below σ², hold together: among random directions
/// of many dimensions every point stays alone.
///
/// Sources: Lin and Cohen, "Power Iteration Clustering", ICML 2010; the released code of Caron et
/// al., ECCV 2018 (arXiv:1807.05520), as corrected in March 2019. There the nearest point is taken
/// for the point itself, which is wrong where there are copies; here it is left out by its index.
public struct PowerIterationClustering: Sendable, Equatable {
    /// The scale of distances.
    public var sigma: Float = 0.2
    /// The number of neighbours of a point.
    public var neighbours = 5
    /// The share of the walk that goes along edges.
    public var alpha = 0.001
    /// The number of steps of the walk.
    public var iterations = 200
    /// Whether a point that is alone joins the cluster of its nearest neighbour in one.
    public var distributesSingletons = true

    /// The released code's settings.
    public init() {}

    /// What was found.
    public struct Result: Sendable, Equatable {
        /// The cluster of each point, numbered in order of appearance.
        public let assignments: [Int32]
        /// The number of clusters, none of which is empty.
        public let clusters: Int
    }

    /// Clusters the rows of `points`.
    ///
    /// - Parameter points: `[n, d]`, finite, one or more.
    /// - Returns: A cluster for each point.
    /// - Throws: `ClusteringError` for no points or a value that is not finite.
    /// - Complexity: O(n²·d) time and O(n · neighbours) memory.
    public func fit(_ points: Tensor<Float>) throws(ClusteringError) -> Result {
        let n = points.shape[0]
        guard n > 0 else { throw .tooFewRows(found: 0, needed: 1) }
        guard neighbours > 0 else { throw .wrongSetting(name: "neighbours", value: neighbours) }
        try points.checkFinite()
        let near = NearestNeighbours(of: points, neighbours: neighbours)
        let graph = Graph(near, sigma: sigma)
        var roots = graph.roots(values: walk(graph))
        if distributesSingletons { Self.distribute(&roots, near) }
        return Self.numbered(roots)
    }

    /// `v ← α·W·v + (1 − α)/n`, of sum 1.
    private func walk(_ graph: Graph) -> [Double] {
        let n = graph.count
        var values = [Double](repeating: 1 / Double(n), count: n)
        for _ in 0..<iterations {
            var next = (0..<n).map { point in
                alpha * graph.edges(of: point).reduce(0) { $0 + $1.weight * values[$1.other] }
                    + (1 - alpha) / Double(n)
            }
            let sum = next.reduce(0, +)
            for point in 0..<n { next[point] /= sum }
            values = next
        }
        return values
    }

    /// Moves points that are alone; all decide on what was there before any of them moved.
    private static func distribute(_ roots: inout [Int], _ near: NearestNeighbours) {
        var sizes = [Int](repeating: 0, count: roots.count)
        for root in roots { sizes[root] += 1 }
        let before = roots
        for point in roots.indices where sizes[before[point]] == 1 {
            let others = near.indices[point * near.count..<(point + 1) * near.count]
            if let host = others.first(where: { sizes[before[Int($0)]] > 1 }) {
                roots[point] = before[Int(host)]
            }
        }
    }

    private static func numbered(_ roots: [Int]) -> Result {
        var numbers: [Int: Int32] = [:]
        var assignments: [Int32] = []
        assignments.reserveCapacity(roots.count)
        for root in roots {
            let number = numbers[root] ?? Int32(numbers.count)
            numbers[root] = number
            assignments.append(number)
        }
        return Result(assignments: assignments, clusters: numbers.count)
    }
}

/// The weighted graph of points and their neighbours, `W = A + Aᵀ`.
private struct Graph {
    /// An edge to another point.
    struct Edge {
        let other: Int
        var weight: Double
    }

    private let starts: [Int]
    private let all: [Edge]

    /// The number of points.
    var count: Int { starts.count - 1 }

    /// The edges of a point, in the order of the other points.
    func edges(of point: Int) -> ArraySlice<Edge> { all[starts[point]..<starts[point + 1]] }

    init(_ near: NearestNeighbours, sigma: Float) {
        let n = near.count == 0 ? 1 : near.indices.count / near.count
        var lists = [[Edge]](repeating: [], count: n)
        for slot in near.indices.indices {
            let (point, other) = (slot / near.count, Int(near.indices[slot]))
            let weight = exp(-Double(near.distances[slot]) / Double(sigma * sigma))
            lists[point].append(Edge(other: other, weight: weight))
            lists[other].append(Edge(other: point, weight: weight))
        }
        var (starts, all): ([Int], [Edge]) = ([0], [])
        all.reserveCapacity(2 * near.indices.count)
        for list in lists {
            for edge in list.sorted(by: { $0.other < $1.other }) {
                if all.count > starts.last!, all[all.count - 1].other == edge.other {
                    all[all.count - 1].weight += edge.weight
                } else {
                    all.append(edge)
                }
            }
            starts.append(all.count)
        }
        (self.starts, self.all) = (starts, all)
    }

    /// The point that each ends at, going to the neighbour with the largest positive
    /// `W·(v_other − v)` until there is none.
    func roots(values: [Double]) -> [Int] {
        var next = (0..<count).map { point -> Int in
            var (best, pull) = (point, 0.0)
            for edge in edges(of: point) {
                let candidate = edge.weight * (values[edge.other] - values[point])
                if candidate > pull { (best, pull) = (edge.other, candidate) }
            }
            return best
        }
        // Values rise along the way, so there is no circle; each pass halves what is left of it.
        var changes = true
        while changes {
            changes = false
            for point in next.indices where next[next[point]] != next[point] {
                next[point] = next[next[point]]
                changes = true
            }
        }
        return next
    }
}
