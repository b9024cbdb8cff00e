import Clustering
import Foundation
import LinearAlgebra
import Tensors
import Testing

struct SpectralClusteringTests {
    /// A fit by scikit-learn: see `tools/golden/clustering.py`.
    struct Golden: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let n, d, groups, k, neighbours, components: Int
        let pointsSeed: UInt32
        let labels: [Int32]
        let eigenvalues: [Double]

        var testDescription: String { name }
    }

    @Test(arguments: try fixture("spectral", as: [Golden].self))
    func agreesWithScikitLearn(golden: Golden) throws {
        let x = points(
            golden.n, golden.d, groups: golden.groups, distinct: golden.n, seed: golden.pointsSeed)
        let result = try SpectralClustering(clusters: golden.k, neighbours: golden.neighbours)
            .fit(x)
        #expect(result.components == golden.components)
        // The tolerance of the vectors; that of the values is about its square.
        for (found, expected) in zip(result.eigenvalues, golden.eigenvalues) {
            #expect(abs(found - expected) < 1e-9)
        }
        // The starts of k-means differ, so a point between two clusters may too.
        #expect(Self.agreement(result.assignments, golden.labels) > 0.98)
    }

    /// Two half circles, each reaching into the other.
    private static let moons = interleaved(400) { angle, first in
        first ? (cos(angle), sin(angle)) : (1 - cos(angle), 0.5 - sin(angle))
    }

    /// A circle within another.
    private static let rings = interleaved(600) { angle, first in
        let radius = first ? 1 : 0.4
        return (radius * cos(2 * angle), radius * sin(2 * angle))
    }

    /// Points of two curves in turn, up to 0.05 beside them.
    private static func interleaved(
        _ count: Int, curve: (_ angle: Double, _ first: Bool) -> (Double, Double)
    ) -> Tensor<Float> {
        var random = SeededGenerator(seed: 21)
        let values = (0..<count).flatMap { index in
            let (x, y) = curve(Double.pi * Double(random.uniform()), index % 2 == 0)
            return [
                Float(x) + random.uniform(in: -0.05...0.05),
                Float(y) + random.uniform(in: -0.05...0.05),
            ]
        }
        return Tensor(values, shape: [count, 2])
    }

    // With 8 neighbours the curves are two components, with 40 a few edges join them.
    @Test(arguments: [(moons, 8, 2), (moons, 40, 1), (rings, 8, 2), (rings, 40, 1)])
    func separatesWhatKMeansCannot(
        points: Tensor<Float>, neighbours: Int, components: Int
    ) throws {
        let truth = (0..<points.shape[0]).map { Int32($0 % 2) }
        let result = try SpectralClustering(clusters: 2, neighbours: neighbours).fit(points)
        #expect(result.components == components)
        #expect(Self.agreement(result.assignments, truth) > 0.95)
        let round = try KMeans(clusters: 2).fit(points).assignments
        #expect(Self.agreement(round, truth) < 0.5)
        // The means do not know the form either.
        #expect(result.agreement < 0.9)
        #expect(result.nearest == KMeans.assign(points, to: result.centroids).assignments)
    }

    /// Groups of 40, 30 and 60 far apart: as many clusters are the groups; with fewer the smallest
    /// goes to the nearest; with more one of them is cut.
    @Test func componentsAreClusters() throws {
        var random = SeededGenerator(seed: 22)
        let groups = (0..<130).map { $0 < 40 ? 0 : $0 < 70 ? 1 : 2 }
        let x = Tensor(
            groups.flatMap { [Float($0 * $0) * 100 + random.normal(), random.normal()] },
            shape: [130, 2])
        var spectral = SpectralClustering(clusters: 3)
        let three = try spectral.fit(x)
        #expect(three.components == 3 && three.eigenvalues == [1, 1, 1])
        #expect(three.assignments == groups.map { [1, 2, 0][$0] })
        #expect(three.agreement == 1)
        spectral.clusters = 2
        #expect(try spectral.fit(x).assignments == groups.map { [1, 1, 0][$0] })
        spectral.clusters = 1
        #expect(try spectral.fit(x).assignments.allSatisfy { $0 == 0 })
        spectral.clusters = 4
        let four = try spectral.fit(x)
        #expect(four.eigenvalues.prefix(3).allSatisfy { abs($0 - 1) < 1e-9 })
        #expect(four.eigenvalues[3] < 0.999)
        #expect(Set(zip(groups, four.assignments).map { "\($0) \($1)" }).count == 4)
    }

    @Test func centroidsAreTheMeans() throws {
        let x = points(500, 3, groups: 7, distinct: 500, seed: 23)
        let result = try SpectralClustering(clusters: 7).fit(x)
        for cluster in 0..<7 {
            let members = (0..<500).filter { result.assignments[$0] == cluster }
            for column in 0..<3 {
                let sum = members.reduce(0.0) { $0 + Double(x.elements[$1 * 3 + column]) }
                let mean = Float(sum / Double(members.count))
                #expect(result.centroids.elements[cluster * 3 + column] == mean)
            }
        }
        let agreeing = zip(result.assignments, result.nearest).count { $0 == $1 }
        #expect(result.agreement == Double(agreeing) / 500)
    }

    // Clusters up to the number of points, with copies and without, fewer points than neighbours.
    @Test(arguments: [
        (1, 1, 1), (2, 2, 1), (2, 2, 2), (5, 5, 3), (5, 5, 5), (30, 30, 29), (30, 30, 30),
        (60, 2, 2), (60, 2, 5), (60, 7, 20), (60, 7, 60), (400, 8, 3), (400, 8, 12),
        (400, 200, 150), (90, 3, 4),
    ])
    func everyClusterHasAPoint(n: Int, distinct: Int, clusters: Int) throws {
        let x = points(n, 3, groups: 1, distinct: distinct, seed: 24)
        for neighbours in [1, 4, 20, 1_000] {
            let result = try SpectralClustering(clusters: clusters, neighbours: neighbours).fit(x)
            #expect(Set(result.assignments) == Set(0..<Int32(clusters)))
            #expect(result.centroids.shape == [clusters, 3])
            #expect(result.centroids.elements.allSatisfy { $0.isFinite })
            #expect(result.eigenvalues.count == clusters)
            #expect(result.eigenvalues.allSatisfy { $0 <= 1 + 1e-9 && $0 >= -1 - 1e-9 })
            #expect(result.agreement > 0 && result.agreement <= 1)
        }
    }

    @Test func threadsDoNotChangeTheBytes() throws {
        let x = points(1_500, 5, groups: 20, distinct: 1_400, seed: 25)
        let threads = Blocks.threads
        defer { Blocks.threads = threads }
        let all = try [1, 2, 3].map { threads in
            Blocks.threads = threads
            return try SpectralClustering(clusters: 25).fit(x)
        }
        #expect(all[0] == all[1] && all[0] == all[2])
    }

    @Test func wrongInputIsRefused() {
        let x = Tensor<Float>([1, 2, 3, 4], shape: [4, 1])
        #expect(throws: ClusteringError.wrongSetting(name: "clusters", value: 0)) {
            try SpectralClustering(clusters: 0).fit(x)
        }
        #expect(throws: ClusteringError.wrongSetting(name: "neighbours", value: 0)) {
            try SpectralClustering(clusters: 2, neighbours: 0).fit(x)
        }
        #expect(throws: ClusteringError.wrongSetting(name: "iterations", value: -1)) {
            try SpectralClustering(clusters: 2, iterations: -1).fit(x)
        }
        #expect(throws: ClusteringError.fewerPointsThanClusters(points: 4, clusters: 5)) {
            try SpectralClustering(clusters: 5).fit(x)
        }
        #expect(throws: ClusteringError.notFinite(row: 1)) {
            try SpectralClustering(clusters: 1).fit(Tensor([1, .infinity], shape: [2, 1]))
        }
        let equal = Tensor<Float>(repeating: 0.3, shape: [70, 4])
        #expect(throws: ClusteringError.noVariance(rows: 70)) {
            try SpectralClustering(clusters: 2).fit(equal)
        }
        #expect(throws: Never.self) { try SpectralClustering(clusters: 1).fit(equal) }
    }

    private static func agreement(_ a: [Int32], _ b: [Int32]) -> Double {
        ClusterQuality.normalizedMutualInformation(a, b, average: .arithmetic)
    }
}
