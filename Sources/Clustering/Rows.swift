public import Tensors

/// Divides each row by its Euclidean norm; a zero row stays zero.
///
/// The norm is summed in Double in index order, as the int8 engine does it.
///
/// - Parameter rows: `[n, d]`, finite.
/// - Returns: `[n, d]`.
public func normalizeRows(_ rows: consuming Tensor<Float>) -> Tensor<Float> {
    let (n, d) = (rows.shape[0], rows.rowCount)
    // Taken out and put back, so that a caller's last copy is changed in place.
    let shape = rows.shape
    var elements = rows.elements
    rows = Tensor([], shape: [0])
    var values = elements.mutableSpan
    for row in 0..<n {
        var sum = 0.0
        for column in 0..<d {
            let value = Double(values[row * d + column])
            sum += value * value
        }
        guard sum > 0 else { continue }
        let norm = Float(sum.squareRoot())
        for column in 0..<d { values[row * d + column] /= norm }
    }
    return Tensor(elements, shape: shape)
}

extension Tensor<Float> {
    /// The first row that holds NaN or an infinity.
    func checkFinite() throws(ClusteringError) {
        let values = elements.span
        for index in values.indices where !values[index].isFinite {
            throw .notFinite(row: index / max(1, rowCount))
        }
    }
}
