/// Centroids laid out so that sixteen distances are summed side by side.
@safe package struct PackedCentroids: Sendable {
    /// The number of centroids, `K`.
    package let count: Int
    /// The number of dimensions, `D`.
    package let dimension: Int
    private let memory: AlignedMemory<Float>  // [blocks][dimension][16]

    /// Packs `centroids`, `[count, dimension]` row-major.
    package init(_ centroids: Span<Float>, dimension: Int) {
        precondition(
            dimension > 0 && centroids.count % dimension == 0,
            "\(centroids.count) numbers in rows of \(dimension)")
        self.dimension = dimension
        count = centroids.count / dimension
        memory = AlignedMemory(count: count.roundedUp(to: 16) * dimension)
        for i in 0..<count {
            for d in 0..<dimension {
                memory[(i / 16 * dimension + d) * 16 + i % 16] = centroids[i * dimension + d]
            }
        }
    }

    /// The bytes taken.
    package var byteCount: Int { memory.byteCount }

    /// The number of distances that `squaredDistances(to:into:using:)` writes: `count` rounded up to a
    /// multiple of 16, what lies beyond `count` having no meaning.
    package var paddedCount: Int { count.roundedUp(to: 16) }

    /// Squared Euclidean distances `Σ(point − centroid)²`, summed in Float32 in index order.
    ///
    /// - Parameters:
    ///   - point: `dimension` numbers.
    ///   - distances: `paddedCount` numbers, of which the first `count` are the result.
    ///   - table: The kernels to use.
    package func squaredDistances(
        to point: Span<Float>, into distances: inout MutableSpan<Float>, using table: KernelTable
    ) {
        precondition(
            point.count == dimension && distances.count == paddedCount,
            "\(point.count) dimensions and \(distances.count) distances for "
                + "\(count) centroids of \(dimension)")
        unsafe point.withUnsafeBufferPointer { point in
            unsafe distances.withUnsafeMutableBufferPointer { out in
                guard let point = point.baseAddress, let out = out.baseAddress else { return }
                unsafe table.distances(point, dimension, memory.base, paddedCount / 16, out)
            }
        }
    }

    /// The nearest centroid and the runner-up among squared distances, ties to the lower index.
    ///
    /// One centroid alone is its own runner-up.
    ///
    /// - Parameter distances: At least `count` squared distances, `count` being 1 or more.
    /// - Returns: The indices of the least and the second least distance.
    package func nearestTwo(_ distances: Span<Float>) -> (nearest: Int, second: Int) {
        guard count > 1 else { return (0, 0) }
        var (nearest, second) = distances[1] < distances[0] ? (1, 0) : (0, 1)
        for i in 2..<max(count, 2) {
            if distances[i] < distances[nearest] {
                (nearest, second) = (i, nearest)
            } else if distances[i] < distances[second] {
                second = i
            }
        }
        return (nearest, second)
    }
}

extension KernelTable {
    /// The dot products of one vector with every row of a matrix.
    ///
    /// A product depends on the two vectors alone, never on the row's place or the kernel row:
    /// element `i` goes to partial sum `i mod 16`, and the sixteen are added up as a tree.
    ///
    /// - Parameters:
    ///   - query: `[d]`.
    ///   - rows: `[n, d]` row-major.
    ///   - products: `[n]`, overwritten.
    package func dotProducts(
        of query: Span<Float>, with rows: Span<Float>, into products: inout MutableSpan<Float>
    ) {
        precondition(
            rows.count == products.count * query.count,
            "\(products.count) products of \(query.count) dimensions with \(rows.count) numbers")
        let (dimension, count) = (query.count, products.count)
        unsafe query.withUnsafeBufferPointer { query in
            unsafe rows.withUnsafeBufferPointer { rows in
                unsafe products.withUnsafeMutableBufferPointer { out in
                    guard let query = query.baseAddress, let rows = rows.baseAddress,
                        let out = out.baseAddress
                    else { return }
                    unsafe dots(query, rows, dimension, count, out)
                }
            }
        }
    }
}
