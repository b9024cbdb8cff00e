import Kernels
import Tensors

/// The float end of a network: accumulators of the projection → unit vector → cluster.
package struct EmbeddingHead: Sendable {
    private let scales: [Float]
    private let centroids: PackedCentroids
    private let table: KernelTable

    /// The end of a network.
    ///
    /// - Parameters:
    ///   - inputScale: The scale `sx` of the projection's input.
    ///   - weightScales: The scale `sw` of each of its outputs.
    ///   - centroids: `[K, D]`.
    ///   - table: The kernels to use.
    init(
        inputScale: Float, weightScales: Span<Float>, centroids: Tensor<Float>,
        using table: KernelTable
    ) {
        scales = Self.scales(inputScale: inputScale, weightScales: weightScales)
        self.centroids = PackedCentroids(
            centroids.elements.span, dimension: weightScales.count)
        self.table = table
    }

    /// The number of dimensions.
    var dimension: Int { scales.count }
    /// The count of numbers that `embedding(of:picture:distances:)` needs as scratch.
    var scratchCount: Int { centroids.paddedCount }
    /// The bytes taken.
    var byteCount: Int { centroids.byteCount + scales.count * 4 }

    /// The embedding of one picture: `eᵢ = Float(accᵢ) · (sx · swᵢ)`, divided by its norm, and
    /// its place among the centroids.
    func embedding(
        of accumulators: AlignedMemory<Int32>, picture: Int, distances: inout [Float]
    ) -> Embedding {
        let vector = Self.vector(scales) { accumulators[picture * dimension + $0] }
        var span = distances.mutableSpan
        centroids.squaredDistances(to: vector.span, into: &span, using: table)
        let (nearest, second) = centroids.nearestTwo(distances.span)
        let distance = distances[nearest].squareRoot()
        let runnerUp = distances[second].squareRoot()
        return Embedding(
            vector: vector, cluster: nearest, distance: distance, second: second,
            margin: runnerUp > 0 ? 1 - distance / runnerUp : 0)
    }

    /// What one unit of each output's accumulator is worth, `Float32(sx · swᵢ)`.
    package static func scales(inputScale: Float, weightScales: Span<Float>) -> [Float] {
        (0..<weightScales.count).map { Float(Double(inputScale) * Double(weightScales[$0])) }
    }

    /// The embedding that accumulators make: scaled, and at unit length.
    ///
    /// Its norm is summed in Double in index order; a zero vector stays zero.
    package static func vector(
        _ scales: [Float], _ accumulator: (_ output: Int) -> Int32
    ) -> [Float] {
        let vector = scales.indices.map { Float(accumulator($0)) * scales[$0] }
        var sum = 0.0
        for element in vector { sum += Double(element) * Double(element) }
        guard sum > 0 else { return vector }
        let norm = sum.squareRoot()
        return vector.map { Float(Double($0) / norm) }
    }
}
