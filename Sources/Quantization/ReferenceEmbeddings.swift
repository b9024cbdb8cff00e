import Tensors

/// What a float network makes of some pictures: the side of a comparison that is kept, so that the
/// network sees each picture once.
public struct ReferenceEmbeddings: Sendable {
    private var vectors: [Float] = []
    private var distances: [Float] = []
    private var width = 0
    private var clusters = 0
    /// The number of pictures.
    private(set) var count = 0

    /// The layers that these are outputs of: vectors of unit length, and distances to the centroids.
    static let sources: Set = [vectorSource, distanceSource]
    private static let vectorSource = "normalize"
    private static let distanceSource = "centroids"

    init() {}

    /// Those among the outputs of the network.
    init(_ outputs: [String: Tensor<Float>]) { add(outputs) }

    /// Adds the outputs of the network for some more pictures.
    mutating func add(_ outputs: [String: Tensor<Float>]) {
        guard let some = outputs[Self.vectorSource], let away = outputs[Self.distanceSource] else {
            preconditionFailure("the float network did not capture its embeddings")
        }
        (width, clusters) = (some.rowSize, away.rowSize)
        count += some.shape[0]
        vectors += some.elements
        distances += away.elements
    }

    /// The embeddings of some of the pictures, `[n, D]`, and their distances to the centroids,
    /// `[n, K]`.
    func rows(_ rows: Range<Int>) -> (vectors: Tensor<Float>, distances: Tensor<Float>) {
        func part(_ values: [Float], _ width: Int) -> Tensor<Float> {
            Tensor(
                Array(values[rows.lowerBound * width..<rows.upperBound * width]),
                shape: [rows.count, width])
        }
        return (part(vectors, width), part(distances, clusters))
    }
}
