/// The dot products of `query` with each of the rows, in Float32.
///
/// The sum is taken in the same order for each pair, so that a·b and b·a are the same number.
///
/// - Parameters:
///   - query: The vector.
///   - rows: Row-major, a multiple of the query's length.
///   - products: Receives one number a row; at least as long as there are rows.
func dotProducts(_ query: Span<Float>, rows: Span<Float>, into products: inout [Float]) {
    let dimension = query.count
    let count = rows.count / dimension
    precondition(products.count >= count, "\(products.count) products for \(count) rows")
    let vectorized = dimension & ~15
    unsafe query.withUnsafeBufferPointer { query in
        unsafe rows.withUnsafeBufferPointer { rows in
            guard let q = unsafe UnsafeRawPointer(query.baseAddress),
                let r = unsafe UnsafeRawPointer(rows.baseAddress)
            else { return }
            for row in 0..<count {
                let base = unsafe r + row * dimension * 4
                var sum = SIMD16<Float>.zero
                var i = 0
                while i < vectorized {
                    let a = unsafe q.loadUnaligned(fromByteOffset: i * 4, as: SIMD16<Float>.self)
                    let b = unsafe base.loadUnaligned(fromByteOffset: i * 4, as: SIMD16<Float>.self)
                    sum += a * b
                    i += 16
                }
                var total = sum.sum()
                while i < dimension {
                    let a = unsafe q.loadUnaligned(fromByteOffset: i * 4, as: Float.self)
                    total += unsafe a * base.loadUnaligned(fromByteOffset: i * 4, as: Float.self)
                    i += 1
                }
                products[row] = total
            }
        }
    }
}
