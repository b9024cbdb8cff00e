import LinearAlgebra
public import Tensors

extension KMeans {
    /// How many scores a block holds, if that gives it 64 points: half a MiB, so that they are
    /// still in the cache when the least of each row is looked for.
    private static let blockElements = 1 << 17

    /// The nearest centroid of each point.
    ///
    /// Nearest is the least of `‖c‖² − 2·x·c`, computed for a block of points at a time by one
    /// matrix product. Centroids that its rounding may have confused are compared by their exact
    /// distance, summed in Double in index order, and ties go to the lowest cluster: so every
    /// kernel of BLAS gives the same clusters, unless two distances differ by less than Double's
    /// own rounding.
    ///
    /// - Parameters:
    ///   - points: `[n, d]`, finite.
    ///   - centroids: `[K, d]`, finite, one or more.
    ///   - spherical: Whether to take the largest dot product instead.
    /// - Returns: The cluster of each point and its squared Euclidean distance to the centroid,
    ///   summed in Float in index order.
    public static func assign(
        _ points: Tensor<Float>, to centroids: Tensor<Float>, spherical: Bool = false
    ) -> (assignments: [Int32], distances: [Float]) {
        let (n, d, k) = (points.shape[0], points.rowSize, centroids.shape[0])
        precondition(k > 0 && centroids.rowSize == d, "\(centroids.shape) for points of \(d)")
        let norms = Rows.squaredNorms(centroids)
        let offsets = spherical ? [Float](repeating: 0, count: k) : norms
        let factor: Float = spherical ? -1 : -2
        let factors = [Float](repeating: factor, count: k)
        let packed = PackedRows(centroids.elements, count: k, width: d)
        let rounding = Rows.Rounding(norms, d: d, factor: factor)
        var assignments = [Int32](repeating: 0, count: n)
        var distances = [Float](repeating: 0, count: n)
        unsafe points.elements.withUnsafeBufferPointer { x in
            unsafe centroids.elements.withUnsafeBufferPointer { c in
                unsafe assignments.withUnsafeMutableBufferPointer { assignments in
                    unsafe distances.withUnsafeMutableBufferPointer { distances in
                        Blocks.forEach(of: n, size: max(64, blockElements / k)) { rows in
                            let own = x.extracting(rows.lowerBound * d..<rows.upperBound * d)
                            let scores =
                                unsafe packed.map {
                                    unsafe Rows.scores(
                                        own, $0, factors, offsets, rows: rows.count)
                                }
                                ?? Rows.scores(
                                    own, c, offsets, rows: rows.count, d: d, factor: factor)
                            for row in rows {
                                let point = x.extracting(row * d..<(row + 1) * d)
                                let nearest = unsafe scores.withUnsafeBufferPointer { scores in
                                    let first = (row - rows.lowerBound) * k
                                    return unsafe Self.nearest(
                                        to: point, of: c,
                                        scores: scores.extracting(first..<first + k), rounding,
                                        spherical: spherical)
                                }
                                unsafe assignments[row] = Int32(nearest)
                            }
                            unsafe Rows.squaredDistances(
                                own, c, chosen: UnsafeBufferPointer(assignments.extracting(rows)),
                                d: d, into: distances.extracting(rows))
                        }
                    }
                }
            }
        }
        return (assignments, distances)
    }

    /// The centroid of the least score, or, where rounding leaves more than one, the nearest of
    /// these.
    private static func nearest(
        to point: UnsafeBufferPointer<Float>, of centroids: UnsafeBufferPointer<Float>,
        scores: UnsafeBufferPointer<Float>, _ rounding: Rows.Rounding, spherical: Bool
    ) -> Int {
        let d = point.count
        let bound = unsafe rounding.bound(least: minimum(of: scores), for: point)
        var best: (index: Int, distance: Double)?
        var only: Int?
        func compare(_ index: Int) {
            let centroid = centroids.extracting(index * d..<(index + 1) * d)
            let distance =
                unsafe spherical
                ? -Rows.exactProduct(point, centroid) : Rows.exactSquaredDistance(point, centroid)
            if best.map({ distance < $0.distance }) ?? true { best = (index, distance) }
        }
        unsafe forEachIndex(of: scores, atMost: bound) { index in
            guard best == nil else { return compare(index) }
            guard let first = only else { return only = index }
            compare(first)
            compare(index)
        }
        // Sums that left the range of Float say nothing.
        if only == nil { for index in scores.indices { compare(index) } }
        return best?.index ?? only ?? 0
    }

    /// The least value; infinity when none is finite.
    private static func minimum(of values: UnsafeBufferPointer<Float>) -> Float {
        let bytes = UnsafeRawBufferPointer(values)
        let tail = values.count & ~15
        var least = SIMD16<Float>(repeating: .infinity)
        for index in stride(from: 0, to: tail, by: 16) {
            let lanes = unsafe bytes.loadUnaligned(
                fromByteOffset: index * 4, as: SIMD16<Float>.self)
            least.replace(with: lanes, where: lanes .< least)
        }
        var minimum = least.min()
        for index in tail..<values.count { minimum = unsafe min(minimum, values[index]) }
        return minimum
    }

    /// Calls `body` with the index of each value that is at most `bound`, lowest first.
    @inline(__always)
    private static func forEachIndex(
        of values: UnsafeBufferPointer<Float>, atMost bound: Float, _ body: (Int) -> Void
    ) {
        let bytes = UnsafeRawBufferPointer(values)
        let tail = values.count & ~15
        for start in stride(from: 0, to: tail, by: 16) {
            let lanes = unsafe bytes.loadUnaligned(
                fromByteOffset: start * 4, as: SIMD16<Float>.self)
            guard any(lanes .<= bound) else { continue }
            for index in start..<start + 16 where unsafe values[index] <= bound { body(index) }
        }
        for index in tail..<values.count where unsafe values[index] <= bound { body(index) }
    }
}
