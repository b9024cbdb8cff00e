import Clustering
import Evaluation
import Tensors
import Testing

struct ClusterFiguresTests {
    @Test func anAssignmentIsComparedWithLabels() {
        let figures = ClusterFigures(
            of: [0, 0, 0, 0, 1, 1, 1, 2, 2, 3], clusters: 7,
            labels: [0, 0, 0, 1, 1, 1, 1, 1, 1, 0])
        #expect(figures.clusters == 7)
        #expect(abs(figures.nmi - 0.458892) < 5e-7)
        #expect(figures.purity == 0.9)
        #expect(figures.ami < figures.nmi)
    }

    // Sums of logarithms in another order: 1e-9 is far above their rounding.
    @Test(arguments: Golden.values.agreement)
    func figuresAreThoseOfScikitLearn(_ golden: Golden.Agreement) {
        let figures = ClusterFigures(of: golden.clusters, clusters: 30, labels: golden.labels)
        #expect(abs(figures.nmi - golden.nmi) < 1e-9)
        #expect(abs(figures.ami - golden.ami) < 1e-9)
        #expect(abs(figures.ari - golden.ari) < 1e-9)
        #expect(abs(figures.purity - golden.purity) < 1e-12)
        #expect(abs(figures.accuracy - golden.accuracy) < 1e-12)
    }

    @Test func groupsFarApartAreFound() throws {
        var random = SeededGenerator(seed: 3)
        let labels = (0..<300).map { $0 % 3 }
        let values = labels.flatMap { label in
            (0..<3).map { ($0 == label ? 1 : 0) + 0.01 * random.normal() }
        }
        let figures = try ClusterFigures(
            fittedOn: normalizeRows(Tensor(values, shape: [300, 3])), clusters: 12, labels: labels)
        #expect(figures.purity == 1)
        #expect(figures.ami > 0.5 && figures.ami < 1)
    }

    @Test func figuresAreTheMeanOfThreeSeeds() throws {
        var random = SeededGenerator(seed: 4)
        let points = normalizeRows(Tensor(random.normals(600, deviation: 1), shape: [200, 3]))
        let labels = (0..<200).map { $0 % 5 }
        let mean =
            try ClusterFigures.seeds.map { seed in
                let result = try KMeans(clusters: 8, seed: seed).fit(points)
                return ClusterQuality.purity(clusters: result.assignments, labels: labels)
            }.reduce(0, +) / 3
        let figures = try ClusterFigures(fittedOn: points, clusters: 8, labels: labels)
        #expect(abs(figures.purity - mean) < 1e-12)
        #expect(throws: ClusteringError.fewerPointsThanClusters(points: 200, clusters: 201)) {
            try ClusterFigures(fittedOn: points, clusters: 201, labels: labels)
        }
    }
}
