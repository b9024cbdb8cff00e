import Kernels

/// The dot products of `query` with each of the rows, in Float32, bit for bit the same on every
/// instruction set, and a·b the same as b·a.
///
/// - Parameters:
///   - query: The vector.
///   - rows: Row-major, a multiple of the query's length.
///   - products: Becomes one number a row; the same array is used again for the next rows.
func dotProducts(_ query: Span<Float>, rows: Span<Float>, into products: inout [Float]) {
    let count = rows.count / query.count
    // Only the last block of a matrix is shorter than those before it.
    if products.count != count { products = [Float](repeating: 0, count: count) }
    var span = products.mutableSpan
    searchKernels.dotProducts(of: query, with: rows, into: &span)
}

/// The kernels of this processor.
///
/// A row pinned by the environment that is not there is refused where the network is planned.
private let searchKernels = (try? KernelTable.current()) ?? .reference
