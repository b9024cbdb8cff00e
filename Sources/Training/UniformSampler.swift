package import Tensors

/// Draws pictures so that every cluster is drawn equally often, whatever its size.
///
/// With `L` draws and `C` non-empty clusters, each of them gives `⌊L / C⌋ + 1` pictures, with
/// replacement where it has no more than that; the list is shuffled and cut to `L`. Without
/// it most draws come from a few large clusters and the network learns only those.
///
/// Source: Caron et al., "Deep Clustering for Unsupervised Learning of Visual Features",
/// ECCV 2018, section 3.3. The released code uses the drawn picture numbers as positions in a
/// list ordered by cluster, which undoes the equalizing; here they are picture numbers.
package enum UniformSampler {
    /// Picture numbers to train on, in the order of training.
    ///
    /// - Parameters:
    ///   - assignments: The cluster of each picture; −1 leaves a picture out.
    ///   - clusters: The number of clusters, some of which may be empty.
    ///   - count: How many pictures to draw, `L`.
    ///   - random: Where the choices come from.
    /// - Returns: `count` picture numbers, or none if every cluster is empty.
    /// - Note: A cluster of exactly `⌊L / C⌋ + 1` pictures is drawn with replacement too, as in the
    ///   released code.
    package static func draw(
        assignments: [Int32], clusters: Int, count: Int, using random: inout SeededGenerator
    ) -> [Int] {
        var members = [[Int]](repeating: [], count: clusters)
        for (picture, cluster) in assignments.enumerated() where cluster >= 0 {
            members[Int(cluster)].append(picture)
        }
        members.removeAll { $0.isEmpty }
        guard !members.isEmpty else { return [] }

        let share = count / members.count + 1
        var drawn: [Int] = []
        drawn.reserveCapacity(share * members.count)
        for pictures in members {
            if pictures.count <= share {
                for _ in 0..<share { drawn.append(pictures[random.index(below: pictures.count)]) }
            } else {
                drawn += random.permutation(pictures.count).prefix(share).map { pictures[$0] }
            }
        }
        return random.permutation(drawn.count).prefix(count).map { drawn[$0] }
    }
}

extension UniformSampler {
    /// What the released code draws: the numbers of `draw` taken for positions in the list of
    /// pictures ordered by cluster.
    ///
    /// Clusters are then drawn nearly as often as they are large.
    ///
    /// - Parameters:
    ///   - assignments: The cluster of each picture; −1 leaves a picture out.
    ///   - clusters: The number of clusters, some of which may be empty.
    ///   - count: How many pictures to draw.
    ///   - random: Where the choices come from.
    /// - Returns: `count` picture numbers, or none if every cluster is empty.
    package static func drawAsReleased(
        assignments: [Int32], clusters: Int, count: Int, using random: inout SeededGenerator
    ) -> [Int] {
        let drawn = draw(
            assignments: assignments, clusters: clusters, count: count, using: &random)
        let listed = assignments.indices.filter { assignments[$0] >= 0 }.sorted {
            (assignments[$0], $0) < (assignments[$1], $1)
        }
        // With pictures left out, a number may be beyond the list, which then begins anew.
        return drawn.map { listed[$0 % listed.count] }
    }
}
