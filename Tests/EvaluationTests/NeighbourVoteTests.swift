import Evaluation
import Foundation
import Tensors
import Testing

struct NeighbourVoteTests {
    /// Unit vectors at the given angles in degrees.
    private static func directions(_ degrees: [Double]) -> Tensor<Float> {
        let values = degrees.flatMap { angle -> [Float] in
            let radians = angle * Double.pi / 180
            return [Float(cos(radians)), Float(sin(radians))]
        }
        return Tensor(values, shape: [degrees.count, 2])
    }

    @Test func nearNeighboursOutvoteMoreFarOnes() {
        // One at 5° against two at 60°: exp(0.996 / 0.07) is more than twice exp(0.5 / 0.07).
        let references = Self.directions([5, 60, -60])
        let vote = NeighbourVote()
        let query = Self.directions([0])
        #expect(vote.accuracy(of: query, labels: [0], against: references, labels: [0, 1, 1]) == 1)
        // With a high temperature the number of votes decides.
        var even = NeighbourVote()
        even.temperature = 100
        #expect(even.accuracy(of: query, labels: [1], against: references, labels: [0, 1, 1]) == 1)
    }

    @Test func onlyTheNearestVote() {
        var vote = NeighbourVote()
        vote.temperature = 100
        let references = Self.directions([50, 1, 40, 2, 60])
        let labels = [1, 0, 1, 0, 1]
        vote.neighbours = 2
        #expect(
            vote.accuracy(
                of: Self.directions([0]), labels: [0], against: references, labels: labels)
                == 1)
        vote.neighbours = 5
        #expect(
            vote.accuracy(
                of: Self.directions([0]), labels: [1], against: references, labels: labels)
                == 1)
    }

    @Test func tiesGoToTheEarlierNeighbourAndTheLowerLabel() {
        var vote = NeighbourVote()
        let references = Self.directions([10, 10, 10])
        let query = Self.directions([0])
        vote.neighbours = 1
        #expect(vote.accuracy(of: query, labels: [2], against: references, labels: [2, 0, 1]) == 1)
        vote.neighbours = 3
        #expect(vote.accuracy(of: query, labels: [0], against: references, labels: [2, 0, 1]) == 1)
    }

    @Test func leavingOneOutNeverAsksThePictureItself() {
        // Each is alone with its label among its neighbours, so every vote is wrong.
        let vote = NeighbourVote()
        let pair = Self.directions([0, 1])
        #expect(vote.accuracyLeavingOneOut(of: pair, labels: [0, 1]) == 0)
        let groups = Self.directions([0, 1, 90, 91])
        #expect(vote.accuracyLeavingOneOut(of: groups, labels: [0, 0, 1, 1]) == 1)
    }

    @Test func agreesWithAPlainVoteOverManyBlocks() {
        var random = SeededGenerator(seed: 11)
        func unit(_ count: Int) -> Tensor<Float> {
            Self.directions((0..<count).map { _ in Double(random.uniform()) * 360 })
        }
        // 6,000 references put 699 queries into a block.
        let (references, queries) = (unit(6000), unit(800))
        let labels = (0..<6000).map { _ in random.index(below: 3) }
        let expected = (0..<800).map { row in
            let near = (0..<6000).map { position in
                let s = zip(queries[row: row], references[row: position]).reduce(Float(0)) {
                    $0 + $1.0 * $1.1
                }
                return (s, position)
            }.sorted { ($1.0, $0.1) < ($0.0, $1.1) }.prefix(20)
            let votes = near.reduce(into: [0.0, 0.0, 0.0]) { votes, hit in
                votes[labels[hit.1]] += exp(Double(hit.0) / 0.07)
            }
            return votes.firstIndex(of: votes.max()!)!
        }
        // Rounding may swap equal neighbours: a few in a thousand.
        let share = NeighbourVote().accuracy(
            of: queries, labels: expected, against: references, labels: labels)
        #expect(share > 0.99)
    }
}
