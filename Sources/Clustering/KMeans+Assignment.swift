import LinearAlgebra
public import Tensors

extension KMeans {
    /// How many scores a block holds, if that gives it 64 points: half a MiB, so that they are
    /// still in the cache when the least of each row is looked for.
    private static let blockElements = 1 << 17

    /// The nearest centroid of each point.
    ///
    /// Nearest is the least of `‖c‖² − 2·x·c`, computed for a block of points at a time by one
    /// matrix product; ties go to the lowest cluster.
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
        let (n, d, k) = (points.shape[0], points.rowCount, centroids.shape[0])
        precondition(k > 0 && centroids.rowCount == d, "\(centroids.shape) for points of \(d)")
        let offsets = spherical ? [Float](repeating: 0, count: k) : Rows.squaredNorms(centroids)
        var assignments = [Int32](repeating: 0, count: n)
        var distances = [Float](repeating: 0, count: n)
        unsafe points.elements.withUnsafeBufferPointer { x in
            unsafe centroids.elements.withUnsafeBufferPointer { c in
                unsafe assignments.withUnsafeMutableBufferPointer { assignments in
                    unsafe distances.withUnsafeMutableBufferPointer { distances in
                        Blocks.forEach(of: n, size: max(64, blockElements / k)) { rows in
                            let scores = unsafe Rows.scores(
                                x.extracting(rows.lowerBound * d..<rows.upperBound * d), c,
                                offsets, rows: rows.count, d: d, factor: spherical ? -1 : -2)
                            for row in rows {
                                let nearest = unsafe scores.withUnsafeBufferPointer { scores in
                                    let first = (row - rows.lowerBound) * k
                                    return unsafe indexOfMinimum(
                                        scores.extracting(first..<first + k))
                                }
                                unsafe assignments[row] = Int32(nearest)
                                unsafe distances[row] = Rows.squaredDistance(
                                    x.extracting(row * d..<(row + 1) * d),
                                    c.extracting(nearest * d..<(nearest + 1) * d))
                            }
                        }
                    }
                }
            }
        }
        return (assignments, distances)
    }

    /// The lowest index of the least value, 0 when none is finite.
    private static func indexOfMinimum(_ values: UnsafeBufferPointer<Float>) -> Int {
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
        for index in stride(from: 0, to: tail, by: 16) {
            let lanes = unsafe bytes.loadUnaligned(
                fromByteOffset: index * 4, as: SIMD16<Float>.self)
            guard any(lanes .== minimum) else { continue }
            return (index..<index + 16).first { unsafe values[$0] == minimum } ?? index
        }
        return (tail..<values.count).first { unsafe values[$0] == minimum } ?? 0
    }
}
