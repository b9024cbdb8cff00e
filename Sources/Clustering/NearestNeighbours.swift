private import LinearAlgebra
package import Tensors

/// The nearest other points of each point, found exactly.
package struct NearestNeighbours {
    /// How many of each point: as many as asked for, or all others where they are fewer.
    package let count: Int
    /// `[n, count]`, the nearest first; of equal distances the lower index.
    package let indices: [Int32]
    /// The squared Euclidean distances to them.
    package let distances: [Float]

    /// Points compared at a time, so that memory stays bounded.
    private static let (blockRows, blockColumns) = (64, 8192)

    /// Compares all pairs of rows.
    ///
    /// - Parameters:
    ///   - points: `[n, d]`, finite.
    ///   - neighbours: How many of each are wanted.
    /// - Complexity: O(n²·d) time; memory beside the result is bounded.
    package init(of points: Tensor<Float>, neighbours: Int) {
        let (n, d) = (points.shape[0], points.rowCount)
        let count = min(neighbours, n - 1)
        let norms = Rows.squaredNorms(points)
        var indices = [Int32](repeating: 0, count: n * count)
        var distances = [Float](repeating: 0, count: n * count)
        unsafe points.elements.withUnsafeBufferPointer { x in
            unsafe indices.withUnsafeMutableBufferPointer { indices in
                unsafe distances.withUnsafeMutableBufferPointer { distances in
                    Blocks.forEach(of: n, size: Self.blockRows) { rows in
                        let found = unsafe Self.nearest(to: rows, of: x, norms, d: d, count: count)
                        for (place, candidate) in found.enumerated() {
                            let slot = rows.lowerBound * count + place
                            let (row, other) = (slot / count, candidate.index)
                            unsafe indices[slot] = Int32(other)
                            // The norms' form loses digits where points are close.
                            unsafe distances[slot] = Rows.squaredDistance(
                                x.extracting(row * d..<(row + 1) * d),
                                x.extracting(other * d..<(other + 1) * d))
                        }
                    }
                }
            }
        }
        (self.count, self.indices, self.distances) = (count, indices, distances)
    }

    private typealias Candidate = (score: Float, index: Int)

    /// The nearest of all points to some rows, `count` a row.
    private static func nearest(
        to rows: Range<Int>, of x: UnsafeBufferPointer<Float>, _ norms: [Float], d: Int, count: Int
    ) -> [Candidate] {
        guard count > 0 else { return [] }
        var best = [Candidate](
            repeating: (.infinity, Int.max), count: rows.count * count)
        for first in stride(from: 0, to: norms.count, by: blockColumns) {
            let columns = first..<min(norms.count, first + blockColumns)
            let scores = unsafe Rows.scores(
                x.extracting(rows.lowerBound * d..<rows.upperBound * d),
                x.extracting(columns.lowerBound * d..<columns.upperBound * d), norms[columns],
                rows: rows.count, d: d, factor: -2)
            for row in rows {
                let place = (row - rows.lowerBound) * count
                let start = (row - rows.lowerBound) * columns.count - columns.lowerBound
                for column in columns where column != row {
                    let score = scores[start + column]
                    guard score < best[place + count - 1].score else { continue }
                    insert((score, column), into: &best, at: place, count: count)
                }
            }
        }
        return best
    }

    /// Keeps candidates in order; of equal scores the one that came first.
    private static func insert(
        _ candidate: Candidate, into best: inout [Candidate], at place: Int, count: Int
    ) {
        var slot = place + count - 1
        while slot > place, best[slot - 1].score > candidate.score {
            best[slot] = best[slot - 1]
            slot -= 1
        }
        best[slot] = candidate
    }
}
