import LinearAlgebra
import Tensors
import Testing

struct MomentsTests {
    /// Rows with a mean of about 1,000 and a deviation of 1, where Float sums fail.
    private static func features(_ n: Int, _ d: Int) -> Tensor<Float> {
        var random = SeededGenerator(seed: 3)
        return Tensor(random.normals(n * d, deviation: 1).map { $0 + 1000 }, shape: [n, d])
    }

    // 3,000 rows of 700 make more than one block of a million elements.
    @Test(arguments: [(50, 4), (3, 9), (3000, 700)])
    func scatterMatchesTheDefinition(rows: Int, columns: Int) {
        let x = Self.features(rows, columns)
        let mean = Moments.columnMeans(of: x)
        let scatter = Moments.scatter(of: x, mean: mean)
        for (i, j) in [(0, 0), (0, columns - 1), (1, 2), (columns - 1, columns - 1)] {
            let expected = (0..<rows).reduce(0.0) { sum, row in
                let a = Double(x.elements[row * columns + i]) - mean[i]
                return sum + a * (Double(x.elements[row * columns + j]) - mean[j])
            }
            #expect(abs(scatter[i * columns + j] - expected) < 1e-9 * Double(rows))
        }
    }

    @Test(arguments: [(4, 50), (9, 3), (700, 3000)])
    func gramianMatchesTheDefinition(rows: Int, columns: Int) {
        let x = Self.features(rows, columns)
        let mean = Moments.columnMeans(of: x)
        let gramian = Moments.gramian(of: x, mean: mean)
        for (i, j) in [(0, 0), (0, rows - 1), (1, 2), (rows - 1, rows - 1)] {
            let expected = (0..<columns).reduce(0.0) { sum, column in
                let a = Double(x.elements[i * columns + column]) - mean[column]
                return sum + a * (Double(x.elements[j * columns + column]) - mean[column])
            }
            #expect(abs(gramian[i * rows + j] - expected) < 1e-9 * Double(columns))
        }
    }
}
