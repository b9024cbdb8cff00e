import LinearAlgebra
import Tensors
import Testing

struct SymmetricEigenproblemTests {
    @Test func solvesAMatrixWithKnownEigenvalues() throws {
        // [[2, 1], [1, 2]] has 3 along (1, 1) and 1 along (1, −1).
        let solved = try SymmetricEigenproblem(upperTriangle: [2, 1, .nan, 2], order: 2, count: 2)
        let half = 0.5.squareRoot()
        for (found, expected) in zip(solved.values, [3.0, 1.0]) {
            #expect(abs(found - expected) < 1e-14)
        }
        for (found, expected) in zip(solved.vectors, [half, half]) {
            #expect(abs(found - expected) < 1e-14)
        }
        #expect(abs(solved.vectors[2] + solved.vectors[3]) < 1e-14)
    }

    @Test(arguments: [(1, 1), (30, 30), (30, 7), (200, 10)])
    func vectorsAreOrthonormalAndSatisfyTheEquation(order: Int, count: Int) throws {
        let matrix = Self.symmetric(order)
        let solved = try SymmetricEigenproblem(upperTriangle: matrix, order: order, count: count)
        #expect(solved.values == solved.values.sorted(by: >))
        for i in 0..<count {
            let v = solved.vectors[i * order..<(i + 1) * order]
            for j in 0..<count {
                let w = solved.vectors[j * order..<(j + 1) * order]
                let dot = zip(v, w).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(abs(dot - (i == j ? 1 : 0)) < 1e-10)
            }
            for row in 0..<order {
                let product = zip(v.indices, 0..<order).reduce(0) { sum, at in
                    sum + matrix[row * order + at.1] * v[at.0]
                }
                #expect(abs(product - solved.values[i] * v[v.startIndex + row]) < 1e-9)
            }
        }
    }

    @Test func theTraceIsTheSumOfAllEigenvalues() throws {
        let matrix = Self.symmetric(40)
        let solved = try SymmetricEigenproblem(upperTriangle: matrix, order: 40, count: 40)
        let trace = (0..<40).reduce(0) { $0 + matrix[$1 * 41] }
        #expect(abs(solved.values.reduce(0, +) - trace) < 1e-10)
    }

    @Test func aZeroMatrixHasZeroEigenvalues() throws {
        let solved = try SymmetricEigenproblem(
            upperTriangle: [Double](repeating: 0, count: 100 * 100), order: 100, count: 60)
        #expect(solved.values.allSatisfy { $0 == 0 })
        #expect(solved.vectors.allSatisfy { $0.isFinite })
    }

    @Test func equalMatricesGiveEqualBytes() throws {
        let matrix = Self.symmetric(150)
        let first = try SymmetricEigenproblem(upperTriangle: matrix, order: 150, count: 20)
        let again = try SymmetricEigenproblem(upperTriangle: matrix, order: 150, count: 20)
        #expect(first.values == again.values && first.vectors == again.vectors)
    }

    private static func symmetric(_ order: Int) -> [Double] {
        var random = SeededGenerator(seed: 4)
        var matrix = [Double](repeating: 0, count: order * order)
        for i in 0..<order {
            for j in i..<order {
                matrix[i * order + j] = Double(random.normal())
                matrix[j * order + i] = matrix[i * order + j]
            }
        }
        return matrix
    }
}
