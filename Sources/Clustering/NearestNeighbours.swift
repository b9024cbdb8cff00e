private import LinearAlgebra
package import Tensors

/// The nearest other points of each point, found exactly: by their distances in Double, whatever
/// kernel of BLAS has made the choice of those that are compared.
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
    /// - Complexity: O(n²·d) time; memory beside the result is bounded but for copies: those of one
    ///   point are all looked at before the first ones are taken.
    package init(of points: Tensor<Float>, neighbours: Int) {
        let (n, d) = (points.shape[0], points.rowSize)
        let count = min(neighbours, n - 1)
        let norms = Rows.squaredNorms(points)
        var indices = [Int32](repeating: 0, count: n * count)
        var distances = [Float](repeating: 0, count: n * count)
        unsafe points.elements.withUnsafeBufferPointer { x in
            unsafe indices.withUnsafeMutableBufferPointer { indices in
                unsafe distances.withUnsafeMutableBufferPointer { distances in
                    Blocks.forEach(of: n, size: Self.blockRows) { rows in
                        let found = unsafe Self.nearest(to: rows, of: x, norms, d: d, count: count)
                        for (place, neighbour) in found.enumerated() {
                            let slot = rows.lowerBound * count + place
                            unsafe indices[slot] = Int32(neighbour.index)
                            unsafe distances[slot] = Float(neighbour.distance)
                        }
                    }
                }
            }
        }
        (self.count, self.indices, self.distances) = (count, indices, distances)
    }

    /// The nearest of all points to some rows, `count` a row.
    private static func nearest(
        to rows: Range<Int>, of x: UnsafeBufferPointer<Float>, _ norms: [Float], d: Int, count: Int
    ) -> [(distance: Double, index: Int)] {
        guard count > 0 else { return [] }
        let rounding = Rows.Rounding(norms, d: d, factor: -2)
        var lists = rows.map { row in
            unsafe Candidates(
                of: x.extracting(row * d..<(row + 1) * d), count: count, rounding)
        }
        for first in stride(from: 0, to: norms.count, by: blockColumns) {
            let columns = first..<min(norms.count, first + blockColumns)
            let scores = unsafe Rows.scores(
                x.extracting(rows.lowerBound * d..<rows.upperBound * d),
                x.extracting(columns.lowerBound * d..<columns.upperBound * d), norms[columns],
                rows: rows.count, d: d, factor: -2)
            for row in rows {
                let start = (row - rows.lowerBound) * columns.count - columns.lowerBound
                for column in columns where column != row {
                    lists[row - rows.lowerBound].add(scores[start + column], column)
                }
            }
        }
        return lists.indices.flatMap { unsafe lists[$0].nearest(of: x) }
    }
}

/// Those among which the nearest of one point are, as far as rounded scores can tell.
@safe private struct Candidates {
    private let point: UnsafeBufferPointer<Float>
    private let count: Int
    private let rounding: Rows.Rounding
    private var found: [(score: Float, index: Int)] = []
    /// The largest score that is still of interest.
    private var bound = Float.infinity

    @unsafe init(of point: UnsafeBufferPointer<Float>, count: Int, _ rounding: Rows.Rounding) {
        unsafe (self.point, self.count, self.rounding) = (point, count, rounding)
        found.reserveCapacity(2 * count + 16)
    }

    mutating func add(_ score: Float, _ index: Int) {
        // What left the range of Float says nothing; it counts until there are others.
        let score = score.isNaN ? .infinity : score
        guard score <= bound else { return }
        found.append((score, index))
        if found.count == found.capacity { trim() }
    }

    /// Lets go of those that are certainly behind `count` others.
    private mutating func trim() {
        guard found.count > count else { return }
        let least = found.map(\.score).sorted()[count - 1]
        bound = unsafe rounding.bound(least: least, for: point)
        found.removeAll { $0.score > bound }
        // Many may be equally near.
        found.reserveCapacity(2 * max(count, found.count) + 16)
    }

    /// The nearest by their exact distances, of equal ones those of lower index.
    @unsafe mutating func nearest(
        of all: UnsafeBufferPointer<Float>
    ) -> [(distance: Double, index: Int)] {
        trim()
        let d = unsafe point.count
        var exact: [(distance: Double, index: Int)] = []
        for (_, index) in found {
            let other = all.extracting(index * d..<(index + 1) * d)
            exact.append((unsafe Rows.exactSquaredDistance(point, other), index))
        }
        return Array(
            exact.sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }.prefix(count))
    }
}
