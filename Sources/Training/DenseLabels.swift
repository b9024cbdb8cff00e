import Tensors

/// The labels of a training epoch: cluster numbers made dense over the non-empty clusters.
///
/// The classifier keeps one output for each cluster, empty or not; the outputs above
/// `count` are never a target.
package struct DenseLabels: Sendable, Equatable {
    /// The label of each picture, from 0 up to but not including `count`; −1 where left out.
    package let labels: [Int32]
    /// The number of non-empty clusters.
    package let count: Int

    /// Renumbers the clusters in their order, skipping empty ones.
    package init(assignments: [Int32], clusters: Int) {
        var used = [Bool](repeating: false, count: clusters)
        for cluster in assignments where cluster >= 0 { used[Int(cluster)] = true }
        var next: Int32 = 0
        let renumbered = used.map { isUsed -> Int32 in
            defer { if isUsed { next += 1 } }
            return isUsed ? next : -1
        }
        labels = assignments.map { $0 < 0 ? -1 : renumbered[Int($0)] }
        count = Int(next)
    }
}
