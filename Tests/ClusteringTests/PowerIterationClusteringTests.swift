import Clustering
import Tensors
import Testing

struct PowerIterationClusteringTests {
    /// The numbers of METHOD's golden values: three corners, and a point between two of them.
    @Test func tenPointsMakeThreeClusters() throws {
        let points = Tensor<Float>(
            [
                0, 0, 0.05, 0, 0, 0.06, 0.5, 0.5, 0.55, 0.5, 0.5, 0.57, 1, 0, 1.04, 0, 1, 0.05,
                0.25, 0.26,
            ], shape: [10, 2])
        var pic = PowerIterationClustering()
        pic.neighbours = 3
        pic.distributesSingletons = false
        let result = try pic.fit(points)
        #expect(result.assignments == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0])
        #expect(result.clusters == 3)
    }

    private struct Golden: Decodable {
        let name: String
        let n, d, groups, distinct, neighbours: Int
        let points_seed: UInt32
        let apart, labels: [Int32]
    }

    @Test func agreesWithDenseMatrices() throws {
        for golden in try fixture("pic", as: [Golden].self) {
            var x = points(
                golden.n, golden.d, groups: golden.groups, distinct: golden.distinct,
                seed: golden.points_seed)
            for index in x.elements.indices { x.elements[index] /= 3 }
            var pic = PowerIterationClustering()
            pic.neighbours = golden.neighbours
            #expect(try pic.fit(x).assignments == golden.labels, "\(golden.name)")
            pic.distributesSingletons = false
            #expect(try pic.fit(x).assignments == golden.apart, "\(golden.name)")
        }
    }

    /// Of 150 points with blocks of 64, those of the blocks' edges too.
    @Test func neighboursAreTheNearestOfAll() throws {
        var random = SeededGenerator(seed: 13)
        let x = Tensor(random.normals(150 * 6, deviation: 1), shape: [150, 6])
        let near = NearestNeighbours(of: x, neighbours: 4)
        for point in 0..<150 {
            let distances = (0..<150).map { other in
                zip(x[row: point], x[row: other]).reduce(Float(0)) {
                    $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
                }
            }
            let expected = (0..<150).filter { $0 != point }.sorted {
                (distances[$0], $0) < (distances[$1], $1)
            }
            #expect(
                near.indices[point * 4..<point * 4 + 4].map { Int($0) }
                    == Array(expected.prefix(4)), "seed 13, point \(point)")
        }
    }

    @Test func copiesAreEachOthersNeighbours() throws {
        let x = Tensor<Float>([1, 0, 0, 1, 1, 0, 1, 0], shape: [4, 2])
        let near = NearestNeighbours(of: x, neighbours: 1)
        #expect(near.indices == [2, 0, 0, 0])
        #expect(near.distances == [0, 2, 0, 0])
        let result = try PowerIterationClustering().fit(x)
        #expect(result.assignments[0] == result.assignments[2])
        #expect(result.assignments[0] == result.assignments[3])
    }

    /// So far apart that no edge weighs anything: each point stays alone, and nothing is NaN.
    @Test func pointsWithoutNeighboursStayAlone() throws {
        let x = Tensor<Float>((0..<30).map { Float(1000 * $0) }, shape: [30, 1])
        let result = try PowerIterationClustering().fit(x)
        #expect(result.clusters == 30)
        #expect(result.assignments == (0..<30).map { Int32($0) })
    }

    @Test func fewerPointsThanNeighboursAreNoError() throws {
        let pair = try PowerIterationClustering().fit(Tensor([0, 0, 0, 0.01], shape: [2, 2]))
        #expect(pair.assignments.count == 2)
        let one = try PowerIterationClustering().fit(Tensor([3], shape: [1, 1]))
        #expect(one.assignments == [0] && one.clusters == 1)
        #expect(throws: ClusteringError.tooFewRows(found: 0, needed: 1)) {
            try PowerIterationClustering().fit(Tensor([], shape: [0, 2]))
        }
        #expect(throws: ClusteringError.notFinite(row: 1)) {
            try PowerIterationClustering().fit(Tensor([0, .nan], shape: [2, 1]))
        }
    }
}
