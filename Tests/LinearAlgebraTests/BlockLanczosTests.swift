import Foundation
import LinearAlgebra
import Tensors
import Testing

/// Large matrices of known eigenvalues, along known axes.
struct BlockLanczosTests {
    private static let order = 2_000
    private static let count = 100

    /// Spectra, largest first, that iterations are known to fail at in different ways.
    enum Spectrum: String, CaseIterable {
        case fallsAsAPower, hasManyOfTheLargest, hasManyBelowTheLargest, isOfLowRank, isZero
        case isEven, isConstant, hasLargeNegatives

        var values: [Double] {
            (0..<order).map { index in
                let place = Double(index)
                switch self {
                case .fallsAsAPower: return pow(place + 1, -1.4)
                case .hasManyOfTheLargest: return index < 80 ? 10 : 5 / (place - 78)
                case .hasManyBelowTheLargest:
                    return index < 4 ? 100 - place : index < 90 ? 10 : 5 / (place - 88)
                case .isOfLowRank: return index < 20 ? 20 - place : 0
                case .isZero: return 0
                case .isEven: return Double(order) - place
                case .isConstant: return 3
                case .hasLargeNegatives:
                    return index < 200 ? pow(place + 1, -1.4) : index < 1_980 ? 0 : -5
                }
            }
        }
    }

    @Test(arguments: Spectrum.allCases)
    func findsTheLargestWithTheirVectors(spectrum: Spectrum) throws {
        let values = spectrum.values
        let solved = try SymmetricEigenproblem(
            upperTriangle: Self.matrix(values), order: Self.order, count: Self.count)
        let scale = max(1, values.map(abs).max() ?? 0)
        for (found, expected) in zip(solved.values, values) {
            #expect(abs(found - expected) < 1e-11 * scale)
        }
        let residuals = Self.residuals(of: solved, values)
        #expect(residuals.allSatisfy { $0 < 1e-10 * scale })
        #expect(Self.largestErrorOfOrthonormality(solved.vectors) < 1e-10)
    }

    @Test func aSpectrumThatFallsNeedsNoOtherMethod() {
        var iteration = BlockLanczos(
            upperTriangle: Self.matrix(Spectrum.fallsAsAPower.values), order: Self.order,
            count: Self.count)
        #expect(iteration.solve() != nil)
    }

    @Test func threadsDoNotChangeTheBytes() throws {
        let matrix = Self.matrix(Spectrum.fallsAsAPower.values)
        let threads = Blocks.threads
        defer { Blocks.threads = threads }
        let all = try [1, 2, 3].map { threads in
            Blocks.threads = threads
            return try SymmetricEigenproblem(
                upperTriangle: matrix, order: Self.order, count: Self.count
            ).vectors
        }
        #expect(all[0] == all[1] && all[0] == all[2])
    }

    /// The axis that the diagonal matrices are mirrored at.
    private static let axis: [Double] = {
        var random = SeededGenerator(seed: 6)
        let values = (0..<order).map { _ in Double(random.normal()) }
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return values.map { $0 / length }
    }()

    /// `H·D·H` with `H = I − 2·axis·axisᵀ`, whose eigenvectors are the columns of `H`.
    private static func matrix(_ values: [Double]) -> [Double] {
        let weighted = zip(values, axis).map { $0 * $1 }
        let mean = zip(weighted, axis).reduce(0) { $0 + $1.0 * $1.1 }
        var matrix = [Double](repeating: .nan, count: order * order)
        for i in 0..<order {
            for j in i..<order {
                matrix[i * order + j] =
                    (i == j ? values[i] : 0) - 2 * axis[i] * weighted[j]
                    - 2 * weighted[i] * axis[j] + 4 * mean * axis[i] * axis[j]
            }
        }
        return matrix
    }

    /// `|D·u − λ·u|` for each vector `u = H·y`.
    private static func residuals(of solved: SymmetricEigenproblem, _ values: [Double]) -> [Double]
    {
        solved.values.indices.map { index in
            let vector = Array(solved.vectors[index * order..<(index + 1) * order])
            let along = zip(vector, axis).reduce(0) { $0 + $1.0 * $1.1 }
            return (0..<order).reduce(0) { sum, at in
                let mirrored = vector[at] - 2 * along * axis[at]
                let difference = (values[at] - solved.values[index]) * mirrored
                return sum + difference * difference
            }.squareRoot()
        }
    }

    private static func largestErrorOfOrthonormality(_ vectors: [Double]) -> Double {
        var largest = 0.0
        let vectors = vectors.span
        for i in 0..<count {
            for j in 0...i {
                var dot = 0.0
                for at in 0..<order { dot += vectors[i * order + at] * vectors[j * order + at] }
                largest = max(largest, abs(dot - (i == j ? 1 : 0)))
            }
        }
        return largest
    }
}
