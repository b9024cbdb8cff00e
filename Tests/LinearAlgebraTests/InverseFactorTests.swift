import LinearAlgebra
import Tensors
import Testing

struct InverseFactorTests {
    /// A positive definite matrix whose columns are alike, as filters' inputs are.
    private static func matrix(_ order: Int) -> [Double] {
        var random = SeededGenerator(seed: 12)
        let rows = random.normals(2 * order * order, deviation: 1)
        return (0..<order * order).map { index in
            let (i, j) = (index / order, index % order)
            let sum = (0..<2 * order).reduce(0.0) { sum, row in
                sum + Double(rows[row * order + i]) * Double(rows[row * order + j])
            }
            return sum + 5 + (i == j ? 0.1 : 0)
        }
    }

    @Test(arguments: [1, 2, 9, 70])
    func timesTheMatrixGivesTheIdentity(order: Int) throws {
        let matrix = Self.matrix(order)
        var upper = matrix
        for i in 0..<order { for j in 0..<i { upper[i * order + j] = .nan } }
        let u = try InverseFactor(upperTriangle: upper, order: order).elements
        for i in 0..<order { for j in 0..<i { #expect(u[i * order + j] == 0) } }
        for i in 0..<order {
            for j in 0..<order {
                // (UᵀU · A)ᵢⱼ
                var sum = 0.0
                for k in 0..<order {
                    for l in 0..<order {
                        sum += u[k * order + i] * u[k * order + l] * matrix[l * order + j]
                    }
                }
                #expect(abs(sum - (i == j ? 1 : 0)) < 1e-8)
            }
        }
    }

    @Test func refusesWhatIsNotPositiveDefinite() {
        #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 2)) {
            try InverseFactor(upperTriangle: [1, 2, 0, 1], order: 2)
        }
    }
}

struct MomentSumsTests {
    @Test(arguments: [3, 40])
    func equalTheMomentsOfAllRows(width: Int) {
        var random = SeededGenerator(seed: 4)
        let rows = Tensor(
            random.normals(90 * width, deviation: 1).map { $0 + 1000 }, shape: [90, width])
        var sums = MomentSums(width: width)
        for part in [0..<1, 1..<1, 1..<50, 50..<90] { sums.add(rows.rows(at: part)) }
        #expect(sums.count == 90)
        let mean = Moments.columnMeans(of: rows)
        let scatter = Moments.scatter(of: rows, mean: mean)
        for i in 0..<width {
            #expect(abs(sums.mean[i] - mean[i]) < 1e-9)
            for j in i..<width {
                let expected = scatter[i * width + j] / 90
                #expect(abs(sums.covariance[i * width + j] - expected) < 1e-9)
            }
        }
    }

    @Test func areZeroWithoutRows() {
        let sums = MomentSums(width: 2)
        #expect(sums.mean == [0, 0])
        #expect(sums.covariance == [0, 0, 0, 0])
    }
}
