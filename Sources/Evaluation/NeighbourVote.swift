private import Foundation
import LinearAlgebra
package import Tensors

/// Classification by the nearest labelled pictures, which judges an embedding without training.
///
/// The k pictures with the largest cosine vote for their labels with the weight exp(s / T),
/// where s is the cosine. Of equal neighbours the earlier one is nearer, of equal labels the
/// lower one wins.
///
/// Source: Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance
/// Discrimination", CVPR 2018 (arXiv:1805.01978), with its temperature T = 0.07.
package struct NeighbourVote: Sendable {
    /// The number of neighbours k that vote; fewer where there are fewer.
    package var neighbours = 20
    /// The temperature T.
    package var temperature = 0.07

    /// A vote with the customary numbers.
    package init() {}

    /// The share of pictures whose label the vote finds.
    ///
    /// - Parameters:
    ///   - queries: The embeddings of the pictures to classify, `[m, d]`, unit length.
    ///   - labels: Their labels.
    ///   - references: The embeddings that vote, `[n, d]`, unit length, one or more.
    ///   - referenceLabels: Their labels.
    /// - Returns: From 0 to 1.
    package func accuracy(
        of queries: Tensor<Float>, labels: [Int], against references: Tensor<Float>,
        labels referenceLabels: [Int]
    ) -> Double {
        share(of: labels, equalTo: vote(queries, references, referenceLabels, leavingOut: false))
    }

    /// The share of pictures whose label the vote of the other pictures finds.
    ///
    /// - Parameters:
    ///   - embeddings: `[n, d]`, unit length, two or more.
    ///   - labels: Their labels.
    /// - Returns: From 0 to 1.
    package func accuracyLeavingOneOut(of embeddings: Tensor<Float>, labels: [Int]) -> Double {
        share(of: labels, equalTo: vote(embeddings, embeddings, labels, leavingOut: true))
    }

    private func share(of labels: [Int], equalTo found: [Int]) -> Double {
        precondition(labels.count == found.count, "\(labels.count) labels, \(found.count) votes")
        return Double(zip(labels, found).count { $0 == $1 }) / Double(max(1, labels.count))
    }

    /// How many similarities are computed at a time: 16 MiB.
    private static let blockElements = 1 << 22

    private func vote(
        _ queries: Tensor<Float>, _ references: Tensor<Float>, _ labels: [Int], leavingOut: Bool
    ) -> [Int] {
        let (m, n) = (queries.shape[0], references.shape[0])
        precondition(labels.count == n, "\(labels.count) labels for \(n) embeddings")
        let step = max(1, Self.blockElements / max(1, n))
        var winners: [Int] = []
        winners.reserveCapacity(m)
        for first in stride(from: 0, to: m, by: step) {
            let rows = first..<min(m, first + step)
            let similarities = queries.rows(at: rows).multiplied(
                by: references, transposeOther: true)
            for row in rows {
                let nearest = nearest(
                    in: similarities.elements[(row - first) * n..<(row - first + 1) * n],
                    except: leavingOut ? row : nil)
                winners.append(winner(of: nearest, labels))
            }
        }
        return winners
    }

    /// The k largest similarities with their positions, largest first.
    private func nearest(
        in similarities: ArraySlice<Float>, except own: Int?
    ) -> [(position: Int, similarity: Float)] {
        var found: [(position: Int, similarity: Float)] = []
        for (position, similarity) in similarities.enumerated() where position != own {
            if found.count == neighbours, similarity <= found[neighbours - 1].similarity {
                continue
            }
            let place = found.lastIndex { $0.similarity >= similarity }.map { $0 + 1 } ?? 0
            if found.count == neighbours { found.removeLast() }
            found.insert((position, similarity), at: place)
        }
        return found
    }

    private func winner(of nearest: [(position: Int, similarity: Float)], _ labels: [Int]) -> Int {
        var votes: [Int: Double] = [:]
        for (position, similarity) in nearest {
            votes[labels[position], default: 0] += exp(Double(similarity) / temperature)
        }
        return votes.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key ?? -1
    }
}
