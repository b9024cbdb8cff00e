private import Imaging
import Model
import Pictures
public import Tensors

/// Features that a backbone gave for pictures, kept from an earlier look.
public struct FrozenFeatures: Sendable {
    /// Where they were kept, for messages.
    public let place: String
    /// The n pictures in the order of their source, by the paths that the source tells.
    public let names: [String]
    /// `[n, d]`.
    public let vectors: Tensor<Float>

    /// Features read from somewhere.
    ///
    /// - Parameters:
    ///   - place: Where they were kept, for messages.
    ///   - names: The n pictures in the order of their source, by the paths that it tells.
    ///   - vectors: `[n, d]`.
    public init(place: String, names: [String], vectors: Tensor<Float>) {
        precondition(vectors.shape[0] == names.count, "\(vectors.shape) for \(names.count) names")
        (self.place, self.names, self.vectors) = (place, names, vectors)
    }
}

extension FrozenBackbone {
    /// How many pictures are looked at again to see whether features are theirs.
    private static let probes = 4
    /// How far a feature may be from the same one seen again, as a share of its largest number:
    /// other thread counts and CPUs round differently, and this is far above it.
    private static let tolerance: Float = 1e-3

    /// Takes features that are known already for those of a source's pictures.
    ///
    /// A few pictures are looked at again, since features of another model, or of pictures that
    /// have changed, would make clusters of nothing.
    ///
    /// - Parameters:
    ///   - known: The features.
    ///   - source: The pictures, of which some may have no feature.
    /// - Returns: The features as if they had just been seen.
    /// - Throws: `ForeignFeatures` where they are not of these pictures by this
    ///   network.
    func recall(
        _ known: FrozenFeatures, of source: any PictureSource
    ) throws -> Seen<Float> {
        var (pictures, skipped): ([Int], [SkippedFile]) = ([], [])
        for number in 0..<source.count {
            let path = source.path(of: number)
            if pictures.count < known.names.count, known.names[pictures.count] == path {
                pictures.append(number)
            } else {
                skipped.append(SkippedFile(path: path, reason: "it has no feature"))
            }
        }
        guard !pictures.isEmpty, pictures.count == known.names.count else {
            throw ForeignFeatures(
                path: known.place, reason: "they are of other pictures than '\(source.place)'")
        }
        guard known.vectors.rowSize == width else {
            throw ForeignFeatures(
                path: known.place,
                reason: "they have \(known.vectors.rowSize) numbers, the model gives \(width)")
        }
        let network = try network()
        for probe in 0..<min(Self.probes, pictures.count) {
            let row = probe * pictures.count / min(Self.probes, pictures.count)
            let view = try source.picture(at: pictures[row], for: checkpoint.input)
                .centerView(for: checkpoint.input)
            let seen = features(ofPixels: view.pixels, count: 1, by: network)
            let difference = zip(seen, known.vectors[row: row]).map { abs($0 - $1) }.max() ?? 0
            let size = seen.map { abs($0) }.max() ?? 0
            guard difference <= Self.tolerance * size else {
                throw ForeignFeatures(
                    path: known.place,
                    reason: "'\(known.names[row])' looks different to this model")
            }
        }
        return Seen(rows: known.vectors, pictures: pictures, skipped: skipped)
    }
}
