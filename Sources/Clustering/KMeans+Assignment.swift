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
        let offsets = spherical ? [Float](repeating: 0, count: k) : squaredNorms(centroids)
        var assignments = [Int32](repeating: 0, count: n)
        var distances = [Float](repeating: 0, count: n)
        unsafe points.elements.withUnsafeBufferPointer { x in
            unsafe centroids.elements.withUnsafeBufferPointer { c in
                unsafe assignments.withUnsafeMutableBufferPointer { assignments in
                    unsafe distances.withUnsafeMutableBufferPointer { distances in
                        Blocks.forEach(of: n, size: max(64, blockElements / k)) { rows in
                            let scores = unsafe scores(
                                x.extracting(rows.lowerBound * d..<rows.upperBound * d), c,
                                offsets, rows: rows.count, d: d, factor: spherical ? -1 : -2)
                            for row in rows {
                                let nearest = unsafe scores.withUnsafeBufferPointer { scores in
                                    let first = (row - rows.lowerBound) * k
                                    return unsafe indexOfMinimum(
                                        scores.extracting(first..<first + k))
                                }
                                unsafe assignments[row] = Int32(nearest)
                                unsafe distances[row] = squaredDistance(
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

    private static func squaredNorms(_ rows: Tensor<Float>) -> [Float] {
        (0..<rows.shape[0]).map { row in
            Float(rows[row: row].reduce(0.0) { $0 + Double($1) * Double($1) })
        }
    }

    /// `offsets + factor · points · centroidsᵀ`, a row for each point.
    private static func scores(
        _ points: UnsafeBufferPointer<Float>, _ centroids: UnsafeBufferPointer<Float>,
        _ offsets: [Float], rows: Int, d: Int, factor: Float
    ) -> [Float] {
        let k = offsets.count
        var scores: [Float] = []
        scores.reserveCapacity(rows * k)
        for _ in 0..<rows { scores += offsets }
        guard d > 0, rows > 0 else { return scores }
        unsafe scores.withUnsafeMutableBufferPointer { scores in
            unsafe BLAS.gemm(
                transposeA: false, transposeB: true, m: rows, n: k, k: d, alpha: factor,
                a: points.baseAddress!, lda: d, b: centroids.baseAddress!, ldb: d, beta: 1,
                c: scores.baseAddress!, ldc: k)
        }
        return scores
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

    private static func squaredDistance(
        _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>
    ) -> Float {
        var sum: Float = 0
        for index in 0..<a.count {
            let difference = unsafe a[index] - b[index]
            sum += difference * difference
        }
        return sum
    }
}
