import Clustering
import Testing

struct ClusterQualityTests {
    /// Scores by scikit-learn: see `tools/golden/clustering.py`.
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let a, b: [Int]
        let geometric, arithmetic, ami, ari, purity: Double

        var testDescription: String { name }
    }

    @Test(arguments: try fixture("quality", as: [Case].self))
    func agreesWithScikitLearn(pair: Case) {
        let (a, b) = (pair.a, pair.b)
        let scores = [
            ClusterQuality.normalizedMutualInformation(a, b, average: .geometric),
            ClusterQuality.normalizedMutualInformation(a, b, average: .arithmetic),
            ClusterQuality.adjustedMutualInformation(a, b),
            ClusterQuality.adjustedRandIndex(a, b),
            ClusterQuality.purity(clusters: a, labels: b),
        ]
        let expected = [pair.geometric, pair.arithmetic, pair.ami, pair.ari, pair.purity]
        for (found, expected) in zip(scores, expected) { #expect(abs(found - expected) < 1e-10) }
    }

    @Test func reproducesThePublishedValues() {
        let a = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3]
        let b = [0, 0, 0, 1, 1, 1, 1, 1, 1, 0]
        let geometric = ClusterQuality.normalizedMutualInformation(a, b, average: .geometric)
        let arithmetic = ClusterQuality.normalizedMutualInformation(a, b, average: .arithmetic)
        #expect(abs(geometric - 0.482794) < 5e-7)
        #expect(abs(arithmetic - 0.458892) < 5e-7)
    }

    @Test func noItemsAgreeFully() {
        let none: [Int] = []
        #expect(ClusterQuality.normalizedMutualInformation(none, none, average: .geometric) == 1)
        #expect(ClusterQuality.adjustedMutualInformation(none, none) == 1)
        #expect(ClusterQuality.adjustedRandIndex(none, none) == 1)
        #expect(ClusterQuality.purity(clusters: none, labels: none) == 1)
    }

    @Test func labelsMayBeOfAnyKind() {
        let (clusters, labels): ([Int32], [String]) = ([0, 0, 1], ["bag", "bag", "shoe"])
        #expect(ClusterQuality.adjustedMutualInformation(clusters, labels) == 1)
    }

    @Test func unrelatedLabelsScoreZeroWhenAdjusted() {
        var random = FaissGenerator(seed: 1)
        let a = (0..<20_000).map { _ in random.next() % 100 }
        let b = (0..<20_000).map { _ in random.next() % 10 }
        #expect(abs(ClusterQuality.adjustedMutualInformation(a, b)) < 0.005)
        #expect(abs(ClusterQuality.adjustedRandIndex(a, b)) < 0.005)
    }
}
