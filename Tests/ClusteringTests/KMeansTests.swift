import Clustering
import Tensors
import Testing

struct KMeansTests {
    /// A run of Faiss: see `tools/golden/clustering.py`.
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let n, d, groups, distinct, k: Int
        let pointsSeed, seed: UInt32
        let initial: [Int]?
        let objectives: [Double]
        let finalObjective: Double
        let repairs, emptyClusters: Int
        let labels: [Int32]

        var testDescription: String { name }
        var points: Tensor<Float> {
            ClusteringTests.points(n, d, groups: groups, distinct: distinct, seed: pointsSeed)
        }
    }

    @Test(arguments: try fixture("kmeans", as: [Case].self))
    func agreesWithFaiss(run: Case) throws {
        let points = run.points
        let result = try KMeans(clusters: run.k, seed: run.seed).fit(
            points, initial: run.initial.map { points.rows(at: $0) })
        // Faiss sums distances in Float, a block at a time: 1e-4 of the objective. Where a repair
        // has pulled two centroids apart by 1/1024 of themselves, Faiss gives a copy between them
        // to either, as its rounding has it.
        let pulled = run.distinct < run.n ? points.elements.reduce(0.0) { $0 + Double($1 * $1) } : 0
        let tolerance = 1e-4 * run.objectives[0] + pulled * 0x1p-20
        for (found, expected) in zip(result.objectives, run.objectives) {
            #expect(abs(found - expected) < tolerance)
        }
        let final = result.squaredDistances.reduce(0) { $0 + Double($1) }
        #expect(abs(final - run.finalObjective) < tolerance)
        #expect(result.emptyClusters == run.emptyClusters)
        guard run.distinct == run.n else { return }
        #expect(result.repairs == run.repairs)
        let equal = zip(result.assignments, run.labels).count { $0 == $1 }
        #expect(equal == run.n)
    }

    @Test func reproducesThePublishedRun() throws {
        let coordinates = (0..<30).flatMap { i -> [Float] in
            let shift = 0.1 * Float(i)
            return [Float(2 * i % 7) + shift, Float((2 * i + 1) % 7) + shift]
        }
        let points = Tensor(coordinates, shape: [30, 2])
        let result = try KMeans(clusters: 4, seed: 5).fit(points)
        let objectives = [87.22, 48.4066, 42.5735, 42.5735]
        #expect(result.objectives.count == objectives.count)
        for (found, expected) in zip(result.objectives, objectives) {
            #expect(abs(found - expected) < 5e-5)
        }
        #expect(result.repairs == 0)
        let centroids: [Float] = [6.825, 7.825, 7.35, 1.35, 4.9, 5.9, 2.20769, 3.20769]
        for (found, expected) in zip(result.centroids.elements, centroids) {
            #expect(abs(found - expected) < 5e-6)
        }
        let labels: [Int32] = [
            3, 3, 2, 1, 3, 3, 2, 3, 3, 2, 1, 3, 2, 0, 3, 3, 2, 1, 3, 2, 0, 3, 2, 0, 1, 3, 2, 0, 3,
            2,
        ]
        #expect(result.assignments == labels)
        #expect(result.sizes.reduce(0, +) == 30)
    }

    @Test func equalRunsGiveEqualBytes() throws {
        let points = points(3000, 33, groups: 9, distinct: 3000, seed: 2)
        let first = try KMeans(clusters: 70).fit(points)
        #expect(
            try KMeans(clusters: 70).fit(Tensor(points.elements.map { $0 }, shape: points.shape))
                == first)
        #expect(try KMeans(clusters: 70, seed: 1).fit(points) != first)
    }

    @Test func asManyPointsAsClustersStayWhereTheyAre() throws {
        let points = points(7, 3, groups: 2, distinct: 7, seed: 1)
        let result = try KMeans(clusters: 7).fit(points)
        #expect(result.centroids == points)
        #expect(result.assignments == [0, 1, 2, 3, 4, 5, 6])
        #expect(result.squaredDistances.allSatisfy { $0 == 0 })
    }

    @Test func copiesGoToTheLowestCluster() throws {
        let points = Tensor<Float>(repeating: 2, shape: [6, 3])
        let result = try KMeans(clusters: 6).fit(points)
        #expect(result.assignments == [0, 0, 0, 0, 0, 0])
        #expect(result.emptyClusters == 5)
        // A repair pulls copies apart, and the centroids stay finite.
        let repaired = try KMeans(clusters: 3).fit(points)
        #expect(repaired.repairs > 0)
        #expect(repaired.centroids.elements.allSatisfy { $0.isFinite })
    }

    @Test func assignmentIsTheExactNearestAtEveryBlockEdge() {
        // One below, at and one above the 16 lanes that the least score is looked for in.
        for k in [1, 15, 16, 17, 33] {
            let points = points(50, 5, groups: 4, distinct: 50, seed: 6)
            let centroids = ClusteringTests.points(k, 5, groups: 3, distinct: k, seed: 8)
            let (assignments, distances) = KMeans.assign(points, to: centroids)
            for row in 0..<50 {
                let all = (0..<k).map { cluster in
                    zip(points[row: row], centroids[row: cluster]).reduce(Float(0)) { sum, pair in
                        sum + (pair.0 - pair.1) * (pair.0 - pair.1)
                    }
                }
                #expect(all[Int(assignments[row])] <= all.min()! + 1e-5)
                #expect(distances[row] == all[Int(assignments[row])])
            }
        }
    }

    // Far from the origin the products lose all that distinguishes the distances: here scores are
    // rounded to 0.25 and squared distances are below 0.1.
    @Test(arguments: [false, true])
    func nearTiesAreDecidedByTheExactDistance(spherical: Bool) {
        var random = SeededGenerator(seed: 11)
        let offset: Float = spherical ? 0 : 1000
        func rows(_ count: Int) -> Tensor<Float> {
            let rows = (0..<count).flatMap { _ in
                [3, 1, 2, 1].map { $0 + offset + 1e-3 * Float(random.uniform()) }
            }
            let near = Tensor(rows, shape: [count, 4])
            return spherical ? normalizeRows(near) : near
        }
        let (points, centroids) = (rows(200), rows(40))
        let (assignments, _) = KMeans.assign(points, to: centroids, spherical: spherical)
        for row in 0..<200 {
            let scores = (0..<40).map { cluster in
                zip(points[row: row], centroids[row: cluster]).reduce(0.0) { sum, pair in
                    let (x, c) = (Double(pair.0), Double(pair.1))
                    return spherical ? sum - x * c : sum + (x - c) * (x - c)
                }
            }
            #expect(Int(assignments[row]) == scores.indices.min { scores[$0] < scores[$1] })
        }
    }

    @Test func wrongInputIsRefused() {
        let points = Tensor<Float>([0, 1, 2, 3, 4, 5], shape: [3, 2])
        #expect(throws: ClusteringError.fewerPointsThanClusters(points: 3, clusters: 4)) {
            try KMeans(clusters: 4).fit(points)
        }
        #expect(throws: ClusteringError.fewerPointsThanClusters(points: 0, clusters: 1)) {
            try KMeans(clusters: 1).fit(Tensor([], shape: [0, 2]))
        }
        #expect(throws: ClusteringError.wrongSetting(name: "clusters", value: 0)) {
            try KMeans(clusters: 0).fit(points)
        }
        #expect(throws: ClusteringError.wrongSetting(name: "iterations", value: -1)) {
            try KMeans(clusters: 1, iterations: -1).fit(points)
        }
        for bad in [Float.nan, .infinity] {
            #expect(throws: ClusteringError.notFinite(row: 1)) {
                try KMeans(clusters: 1).fit(Tensor([0, 1, 2, bad, 4, 5], shape: [3, 2]))
            }
        }
        #expect(throws: ClusteringError.wrongInitialCentroids(found: [1, 2], expected: [2, 2])) {
            try KMeans(clusters: 2).fit(points, initial: points.rows(at: [0]))
        }
        let sentence = "\(ClusteringError.fewerPointsThanClusters(points: 3, clusters: 4))"
        #expect(sentence.contains("3 pictures cannot make 4 clusters"))
    }
}
