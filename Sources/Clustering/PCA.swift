private import Foundation
import LinearAlgebra
public import Tensors

/// A fitted principal component transform, `y = W·(x − μ)`.
///
/// The rows of `W` are the leading eigenvectors of the features' scatter `Σ(x − μ)(x − μ)ᵀ`,
/// each multiplied by its eigenvalue to a power, the whitening exponent: −0.5 whitens (every
/// output then has variance 1/n), 0 only rotates. Directions whose eigenvalue is below a
/// floor are left out, so there may be fewer outputs than asked for, and never a NaN: dead
/// units and copies of pictures lower the rank, and n rows span at most n − 1 directions.
///
/// Source: Caron et al., "Deep Clustering for Unsupervised Learning of Visual Features", ECCV
/// 2018 (arXiv:1807.05520), which whitens to 256 dimensions with Faiss; its exponent is
/// Faiss's `eigen_power`.
public struct PCA: Sendable, Equatable {
    /// The mean feature `μ`, `[d]`.
    public let mean: Tensor<Float>
    /// The projection `W`, `[k, d]`.
    public let projection: Tensor<Float>
    /// The kept eigenvalues of the scatter, not divided by n, largest first; `[k]`.
    public let eigenvalues: Tensor<Float>
    /// The power of the eigenvalue that each row of the projection is multiplied by.
    public let whiteningExponent: Float

    /// The output dimension `k`.
    public var components: Int { projection.shape[0] }

    /// The offset `b = −W·μ` of the transform written as an affine map `W·x + b`; `[k]`.
    public var bias: Tensor<Float> {
        let d = mean.count
        let bias = (0..<components).map { row in
            Float(
                -(0..<d).reduce(0.0) { sum, column in
                    sum + Double(projection.elements[row * d + column])
                        * Double(mean.elements[column])
                })
        }
        return Tensor(bias, shape: [components])
    }

    /// Fits the transform to the rows of `features`.
    ///
    /// - Parameters:
    ///   - features: `[n, d]`, finite, of 2 rows or more.
    ///   - components: The output dimension, of which at most n − 1 and at most the numerical
    ///     rank are kept.
    ///   - whiteningExponent: −0.5 whitens, 0 rotates.
    ///   - eigenvalueFloor: The least eigenvalue kept, as a share of the largest. Float
    ///     features are rounded to 2⁻²⁴ of their size, and whitening would blow this up.
    /// - Throws: `ClusteringError` for too few rows, a value that is not finite, or rows that
    ///   are all the same.
    /// - Complexity: O(n·d·min(n, d) + min(n, d)³) time and O(min(n, d)²) memory, in Double.
    public init(
        fitting features: Tensor<Float>, components: Int, whiteningExponent: Float = -0.5,
        eigenvalueFloor: Double = 1e-8
    ) throws(ClusteringError) {
        let (n, d) = (features.shape[0], features.rowSize)
        guard components > 0 else { throw .wrongSetting(name: "components", value: components) }
        guard n > 1 else { throw .tooFewRows(found: n, needed: 2) }
        try features.checkFinite()
        let mean = Moments.columnMeans(of: features)
        let axes = try Self.principalAxes(features, mean, count: min(components, n - 1, d))
        let largest = axes.values[0]
        // A network rounds the feature of one picture otherwise at another place in a batch, by
        // some 2⁻²⁰ of its size: copies of a picture differ by that, and by nothing else.
        let rounding = Double(n) * mean.reduce(0) { $0 + $1 * $1 } * 0x1p-40
        guard largest > rounding, largest > 0 else { throw .noVariance(rows: n) }
        let kept = axes.values.prefix { $0 > max(largest * eigenvalueFloor, rounding) }.count

        self.whiteningExponent = whiteningExponent
        self.mean = Tensor(mean.map { Float($0) }, shape: [d])
        eigenvalues = Tensor(axes.values.prefix(kept).map { Float($0) }, shape: [kept])
        var projection: [Float] = []
        projection.reserveCapacity(kept * d)
        for row in 0..<kept {
            let factor = pow(axes.values[row], Double(whiteningExponent))
            projection += axes.vectors[row * d..<(row + 1) * d].map { Float($0 * factor) }
        }
        self.projection = Tensor(projection, shape: [kept, d])
    }

    /// Projects the rows of `features`.
    ///
    /// - Parameter features: `[n, d]`.
    /// - Returns: `[n, k]`.
    public func apply(to features: Tensor<Float>) -> Tensor<Float> {
        let (n, d) = (features.shape[0], features.rowSize)
        precondition(d == mean.count, "features of \(d) for a projection of \(mean.count)")
        var centred = features.elements
        var values = centred.mutableSpan
        let mean = mean.elements.span
        for row in 0..<n {
            for column in 0..<d { values[row * d + column] -= mean[column] }
        }
        return Tensor(centred, shape: [n, d]).multiplied(by: projection, transposeOther: true)
    }

    /// The leading eigenvalues of the scatter and their eigenvectors, `[count, d]`.
    ///
    /// With fewer rows than columns the Gram matrix, of order n, has the same eigenvalues; its
    /// eigenvectors map back through the centred features.
    private static func principalAxes(
        _ features: Tensor<Float>, _ mean: [Double], count: Int
    ) throws(ClusteringError) -> (values: [Double], vectors: [Double]) {
        let (n, d) = (features.shape[0], features.rowSize)
        do {
            guard n < d else {
                let solved = try SymmetricEigenproblem(
                    upperTriangle: Moments.scatter(of: features, mean: mean), order: d,
                    count: count)
                return (solved.values, solved.vectors)
            }
            let solved = try SymmetricEigenproblem(
                upperTriangle: Moments.gramian(of: features, mean: mean), order: n, count: count)
            let mapped = Moments.combinations(
                of: features, mean: mean, weights: solved.vectors, count: count)
            return (solved.values, unitRows(mapped, count: count, length: d))
        } catch {
            throw ClusteringError(error)
        }
    }

    /// Rows of unit length; those of zero length stay zero.
    private static func unitRows(_ rows: [Double], count: Int, length: Int) -> [Double] {
        var rows = rows
        for row in 0..<count {
            let range = row * length..<(row + 1) * length
            let norm = rows[range].reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard norm > 0 else { continue }
            for index in range { rows[index] /= norm }
        }
        return rows
    }
}
