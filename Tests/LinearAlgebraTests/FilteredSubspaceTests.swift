import Foundation
import LinearAlgebra
import Tensors
import Testing

/// Matrices of known eigenvalues, given by their products only.
struct FilteredSubspaceTests {
    private typealias Lanes = FilteredSubspace.Lanes

    /// Values of a diagonal matrix between −1 and 1, largest first.
    enum Spectrum: String, CaseIterable {
        case falls, hasManyOfTheLargest, hasManyAtTheEnd, isOfLowRank, isZero, isConstant
        case hasManyNegatives, hasNoGap

        func value(_ place: Int, of order: Int) -> Double {
            let share = Double(place) / Double(order)
            switch self {
            case .falls: return 1 / (1 + Double(place))
            case .hasManyOfTheLargest: return place < 70 ? 1 : 0.5 - share
            case .hasManyAtTheEnd: return place < 5 ? 1 - share : place < 200 ? 0.75 : -share
            case .isOfLowRank: return place < 20 ? 1 - Double(place) / 20 : 0
            case .isZero: return 0
            case .isConstant: return 1
            case .hasManyNegatives: return place < 30 ? 0.5 - share : -1
            case .hasNoGap: return 1 - 2 * share
            }
        }
    }

    // Fewer than a block, a block, and more; as many as there are, or nearly.
    @Test(
        arguments: Spectrum.allCases,
        [(900, 1), (900, 16), (900, 80), (90, 89), (33, 33), (2, 1), (1, 1)])
    func findsTheLargestWithTheirVectors(spectrum: Spectrum, size: (order: Int, count: Int)) throws
    {
        let (order, count) = size
        let values = (0..<order).map { spectrum.value($0, of: order) }
        let solved = try FilteredSubspace(
            order: order, count: count, within: -1...1, tolerance: 1e-7
        ) { block, product in
            // Places are turned around by 7, so that no vector is an axis in order.
            for row in 0..<order { product[row] = values[(row + 7) % order] * block[row] }
        }
        // What is left of a vector has the second order in its value, unless there is no gap.
        for (found, expected) in zip(solved.values, values) {
            #expect(abs(found - expected) < 1e-7)
        }
        for column in 0..<count {
            let vector = (0..<order).map { solved.vectors[$0 * count + column] }
            let residual = (0..<order).reduce(0) { sum, row in
                let difference = values[(row + 7) % order] - solved.values[column]
                return sum + difference * difference * vector[row] * vector[row]
            }
            #expect(residual.squareRoot() < 2e-7)
            for other in 0...column {
                let dot = (0..<order).reduce(0) {
                    $0 + vector[$1] * solved.vectors[$1 * count + other]
                }
                #expect(abs(dot - (other == column ? 1 : 0)) < 1e-9)
            }
        }
    }

    /// Means of both neighbours on a ring: cosines, each but the first twice.
    @Test func findsTheWavesOfARing() throws {
        let order = 240
        let solved = try FilteredSubspace(
            order: order, count: 9, within: -1...1, tolerance: 1e-7
        ) { block, product in
            for row in 0..<order {
                product[row] = (block[(row + 1) % order] + block[(row + order - 1) % order]) * 0.5
            }
        }
        for (place, found) in solved.values.enumerated() {
            let expected = cos(2 * Double.pi * Double((place + 1) / 2) / Double(order))
            #expect(abs(found - expected) < 1e-10)
        }
    }

    @Test func threadsDoNotChangeTheBytes() throws {
        let threads = Blocks.threads
        defer { Blocks.threads = threads }
        let all = try [1, 2, 3].map { threads in
            Blocks.threads = threads
            return try FilteredSubspace(
                order: 3_000, count: 60, within: -1...1, tolerance: 1e-6
            ) { block, product in
                for row in block.indices {
                    product[row] = block[row] * Spectrum.hasNoGap.value(row, of: 3_000)
                }
            }.vectors
        }
        #expect(all[0] == all[1] && all[0] == all[2])
    }

    @Test func whatNoRoundingCanReachDoesNotConverge() {
        #expect(throws: LinearAlgebraError.noConvergence(order: 200)) {
            try FilteredSubspace(order: 200, count: 2, within: -1...1, tolerance: 0) {
                block, product in
                for row in 0..<200 { product[row] = block[row] * (Double(row) / 210) }
            }
        }
    }
}
