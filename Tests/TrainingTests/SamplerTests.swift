import Tensors
import Testing
import Training

struct SamplerTests {
    /// Cluster sizes from 1 to thousands, with empty clusters between.
    private static let sizes = [1, 0, 3, 40, 400, 0, 2000, 7, 5000]

    private static let assignments: [Int32] = sizes.enumerated().flatMap { cluster, size in
        [Int32](repeating: Int32(cluster), count: size)
    }

    @Test func everyClusterIsDrawnEquallyOften() {
        var random = SeededGenerator(seed: 7)
        // Not in the order of clusters, so that positions and picture numbers differ.
        let order = random.permutation(Self.assignments.count)
        let assignments = order.map { Self.assignments[$0] }
        let drawn = UniformSampler.draw(
            assignments: assignments, clusters: Self.sizes.count, count: assignments.count,
            using: &random)
        #expect(drawn.count == assignments.count)
        var counts = [Int](repeating: 0, count: Self.sizes.count)
        for picture in drawn { counts[Int(assignments[picture])] += 1 }
        let share = assignments.count / 7 + 1
        for (cluster, size) in Self.sizes.enumerated() {
            if size == 0 {
                #expect(counts[cluster] == 0)
            } else {
                // Up to 7 of the 7·share drawn are cut off, at random places.
                #expect((share - 7...share).contains(counts[cluster]), "cluster \(cluster)")
            }
        }
    }

    @Test func largeClustersGiveDistinctPictures() {
        var random = SeededGenerator(seed: 8)
        let drawn = UniformSampler.draw(
            assignments: Self.assignments, clusters: Self.sizes.count,
            count: Self.assignments.count, using: &random)
        let ofLargest = drawn.filter { Self.assignments[$0] == 8 }
        #expect(Set(ofLargest).count == ofLargest.count)
    }

    /// The released code takes picture numbers for positions in a list by cluster.
    ///
    /// Where the pictures are in that order, nothing differs; elsewhere clusters come as often as
    /// they are large.
    @Test func theReleasedCodeDrawsByClusterSize() {
        func drawn(_ assignments: [Int32], _ draw: Draw) -> [Int] {
            var random = SeededGenerator(seed: 11)
            return draw(assignments, Self.sizes.count, assignments.count, &random)
        }
        #expect(
            drawn(Self.assignments, UniformSampler.drawAsReleased)
                == drawn(Self.assignments, UniformSampler.draw))

        var random = SeededGenerator(seed: 7)
        let shuffled = random.permutation(Self.assignments.count).map { Self.assignments[$0] }
        var counts = [Int](repeating: 0, count: Self.sizes.count)
        for picture in drawn(shuffled, UniformSampler.drawAsReleased) {
            counts[Int(shuffled[picture])] += 1
        }
        for (cluster, size) in Self.sizes.enumerated() where size >= 400 {
            #expect(abs(Double(counts[cluster]) / Double(size) - 1) < 0.3, "cluster \(cluster)")
        }
        #expect(counts.reduce(0, +) == shuffled.count)
    }

    private typealias Draw = ([Int32], Int, Int, inout SeededGenerator) -> [Int]

    @Test func leavesOutUnassignedPictures() {
        var random = SeededGenerator(seed: 9)
        let drawn = UniformSampler.draw(
            assignments: [-1, 0, -1, 1], clusters: 2, count: 100, using: &random)
        #expect(drawn.count == 100)
        #expect(Set(drawn) == [1, 3])
    }

    @Test func drawsNothingFromNothing() {
        var random = SeededGenerator(seed: 10)
        #expect(
            UniformSampler.draw(
                assignments: [-1, -1], clusters: 3, count: 5, using: &random
            ).isEmpty)
    }

    @Test func labelsAreDenseOverTheClustersInUse() {
        let labels = DenseLabels(assignments: [4, 1, -1, 4, 2], clusters: 6)
        #expect(labels.labels == [2, 0, -1, 2, 1])
        #expect(labels.count == 3)
    }

    @Test(arguments: [(1, 8), (8, 8), (9, 8), (17, 8), (1000, 128)])
    func stepsHaveNearlyEqualSizes(items: Int, batch: Int) {
        let steps = StepPlan.split(Array(0..<items), batch: batch)
        #expect(Array(steps.joined()) == Array(0..<items))
        #expect(steps.count == StepPlan.count(items: items, batch: batch))
        let sizes = steps.map(\.count)
        #expect(sizes.max()! <= batch && sizes.max()! - sizes.min()! <= 1)
    }
}
