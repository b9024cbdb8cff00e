import LinearAlgebra
import Tensors

extension KMeans {
    /// One update: the sum and the size of each cluster, and the centroids made of them.
    ///
    /// Sums are in Double and in the order of the points.
    struct Update {
        private let sums: [Double]
        private let sizes: [Int]
        private let d: Int
        private let points: Int

        init(_ points: Tensor<Float>, _ assignments: [Int32], clusters: Int) {
            let d = points.rowSize
            var sums = [Double](repeating: 0, count: clusters * d)
            var sizes = [Int](repeating: 0, count: clusters)
            for cluster in assignments { sizes[Int(cluster)] += 1 }
            // Each thread has clusters of its own: no sum depends on how many threads there are.
            let share = max(1, (clusters + Blocks.threads - 1) / Blocks.threads)
            unsafe sums.withUnsafeMutableBufferPointer { sums in
                nonisolated(unsafe) let sums = unsafe sums
                Blocks.forEach(of: clusters, size: share) { own in
                    var totals = unsafe sums.extracting(own.lowerBound * d..<own.upperBound * d)
                        .mutableSpan
                    Self.add(points.elements.span, assignments, d: d, to: &totals, own)
                }
            }
            (self.sums, self.sizes, self.d, self.points) = (sums, sizes, d, points.shape[0])
        }

        /// Adds each point to the sum of its cluster, if that is one of `own`, whose sums these are.
        private static func add(
            _ values: Span<Float>, _ assignments: [Int32], d: Int,
            to totals: inout MutableSpan<Double>, _ own: Range<Int>
        ) {
            for row in assignments.indices {
                let cluster = Int(assignments[row])
                guard own.contains(cluster) else { continue }
                let (from, to) = (row * d, (cluster - own.lowerBound) * d)
                for column in 0..<d { totals[to + column] += Double(values[from + column]) }
            }
        }

        /// Moves the centroids.
        ///
        /// - Returns: How many empty clusters were repaired.
        func finish(_ centroids: inout Tensor<Float>, spherical: Bool) -> Int {
            var moved = centroids.elements
            for cluster in sizes.indices where sizes[cluster] > 0 {
                let range = cluster * d..<(cluster + 1) * d
                // A sum of opposite directions has no direction: its centroid stays too.
                let divisor =
                    spherical
                    ? sums[range].reduce(0) { $0 + $1 * $1 }.squareRoot() : Double(sizes[cluster])
                guard divisor > 0 else { continue }
                for index in range { moved[index] = Float(sums[index] / divisor) }
            }
            let repairs = spherical ? 0 : repairEmptyClusters(&moved)
            centroids.elements = moved
            return repairs
        }

        /// Gives each empty cluster half of another: a copy of its centroid, and both moved
        /// apart by 1/1024 of themselves.
        ///
        /// The donor is drawn with a chance that grows with its size, by a generator that starts
        /// anew in every iteration, as in Faiss; so are the roundings to Float. As many clusters
        /// as points, some of them copies, leave nothing to draw.
        private func repairEmptyClusters(_ centroids: inout [Float]) -> Int {
            let k = sizes.count
            guard points > k else { return 0 }
            var random = FaissGenerator(seed: 1234)
            var sizes = sizes.map { Float($0) }
            var repairs = 0
            for empty in 0..<k where sizes[empty] == 0 {
                let donor = drawDonor(sizes, &random)
                for column in 0..<d {
                    let value = centroids[donor * d + column]
                    let step: Float = column % 2 == 0 ? 0x1p-10 : -0x1p-10
                    centroids[empty * d + column] = value * (1 + step)
                    centroids[donor * d + column] = value * (1 - step)
                }
                sizes[empty] = sizes[donor] / 2
                sizes[donor] -= sizes[empty]
                repairs += 1
            }
            return repairs
        }

        /// Walks the clusters in turn and takes one with probability (size − 1) / (n − K), or
        /// the largest after 10·K refusals.
        private func drawDonor(_ sizes: [Float], _ random: inout FaissGenerator) -> Int {
            let k = sizes.count
            let spare = Float(points - k)
            for attempt in 0..<10 * k {
                let chance = Float((Double(sizes[attempt % k]) - 1) / Double(spare))
                if random.uniform() < chance { return attempt % k }
            }
            return sizes.indices.reduce(0) { sizes[$1] > sizes[$0] ? $1 : $0 }
        }
    }
}
