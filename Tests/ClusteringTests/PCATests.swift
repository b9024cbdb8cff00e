import Clustering
import Tensors
import Testing

struct PCATests {
    /// A fit by Faiss: see `tools/golden/clustering.py`.
    struct Case: Decodable, Sendable {
        let n, d: Int
        let eigenvalues: [Float]
        let absolute: [Float]
    }

    // The first case goes through the scatter, the second, with more columns, through the Gram
    // matrix. Signs are the library's choice, so magnitudes are compared.
    @Test(arguments: try fixture("pca", as: [Case].self))
    func agreesWithFaiss(fit: Case) throws {
        let x = points(fit.n, fit.d, groups: 3, distinct: fit.n, seed: 5)
        let pca = try PCA(fitting: x, components: 5)
        for (found, expected) in zip(pca.eigenvalues.elements, fit.eigenvalues) {
            #expect(abs(found - expected) < 1e-5 * fit.eigenvalues[0])
        }
        // Faiss works in Float: 1e-4 of outputs of about 0.1 to 1.
        for (found, expected) in zip(pca.apply(to: x).elements, fit.absolute) {
            #expect(abs(abs(found) - expected) < 1e-4)
        }
    }

    @Test(arguments: [(200, 12), (30, 50)])
    func whitenedCoordinatesHaveVarianceOneOverN(n: Int, d: Int) throws {
        let x = points(n, d, groups: 4, distinct: n, seed: 2)
        let pca = try PCA(fitting: x, components: 10)
        let y = pca.apply(to: x)
        #expect(y.shape == [n, 10])
        for column in 0..<10 {
            for other in 0...column {
                let sum = (0..<n).reduce(0.0) { sum, row in
                    sum + Double(y.elements[row * 10 + column])
                        * Double(y.elements[row * 10 + other])
                }
                #expect(abs(sum - (column == other ? 1 : 0)) < 1e-4)
            }
        }
    }

    @Test func exponentZeroKeepsDistances() throws {
        let x = points(50, 4, groups: 3, distinct: 50, seed: 3)
        let pca = try PCA(fitting: x, components: 4, whiteningExponent: 0)
        let y = pca.apply(to: x)
        func distance(_ rows: Tensor<Float>, _ a: Int, _ b: Int) -> Float {
            zip(rows[row: a], rows[row: b]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        for row in 1..<50 { #expect(abs(distance(x, 0, row) - distance(y, 0, row)) < 1e-4) }
    }

    @Test func theAffineFormGivesTheSame() throws {
        let x = points(40, 5, groups: 3, distinct: 40, seed: 4)
        let pca = try PCA(fitting: x, components: 3)
        let y = pca.apply(to: x)
        for row in 0..<40 {
            for k in 0..<3 {
                let sum = zip(pca.projection[row: k], x[row: row]).reduce(pca.bias.elements[k]) {
                    $0 + $1.0 * $1.1
                }
                #expect(abs(sum - y.elements[row * 3 + k]) < 1e-5)
            }
        }
    }

    // Faiss gives NaN in every row for 256 rows and 256 outputs.
    @Test(arguments: [256, 257, 300])
    func rowsLimitTheOutputs(n: Int) throws {
        let x = points(n, 260, groups: 2, distinct: n, seed: 5)
        let pca = try PCA(fitting: x, components: 256)
        #expect(pca.components == min(256, n - 1))
        #expect(pca.apply(to: x).elements.allSatisfy { $0.isFinite })
    }

    @Test func deadUnitsAndCopiesLimitTheOutputs() throws {
        // Of 12 columns two are dead and one is a constant; one is another's double.
        let base = points(100, 8, groups: 3, distinct: 100, seed: 6)
        let rows = (0..<100).flatMap { row -> [Float] in
            Array(base[row: row]) + [0, 0, 5, 2 * base.elements[row * 8]]
        }
        let x = Tensor(rows, shape: [100, 12])
        let pca = try PCA(fitting: x, components: 12)
        #expect(pca.components == 8)
        #expect(pca.apply(to: x).elements.allSatisfy { $0.isFinite })
        // Three distinct rows span two directions, whichever path is taken.
        for d in [4, 40] {
            let copies = points(20, d, groups: 1, distinct: 3, seed: 7)
            #expect(try PCA(fitting: copies, components: 10).components == 2)
        }
    }

    @Test func largeMeansLoseNothing() throws {
        let near = points(150, 6, groups: 3, distinct: 150, seed: 8)
        // Sixteenths near 4096 are exact in Float, so only the sums could lose anything.
        let rounded = Tensor(near.elements.map { ($0 * 16).rounded() / 16 }, shape: near.shape)
        let far = Tensor(rounded.elements.map { $0 + 4096 }, shape: near.shape)
        let (a, b) = try (
            PCA(fitting: rounded, components: 6), PCA(fitting: far, components: 6)
        )
        for (x, y) in zip(a.eigenvalues.elements, b.eigenvalues.elements) {
            #expect(abs(x - y) < 1e-5 * x)
        }
    }

    @Test func equalFitsGiveEqualBytes() throws {
        let x = points(500, 64, groups: 6, distinct: 500, seed: 9)
        #expect(try PCA(fitting: x, components: 20) == PCA(fitting: x, components: 20))
    }

    @Test func wrongInputIsRefused() {
        #expect(throws: ClusteringError.tooFewRows(found: 1, needed: 2)) {
            try PCA(fitting: Tensor([1, 2], shape: [1, 2]), components: 1)
        }
        #expect(throws: ClusteringError.noVariance(rows: 5)) {
            try PCA(fitting: Tensor(repeating: 0.1, shape: [5, 3]), components: 1)
        }
        #expect(throws: ClusteringError.notFinite(row: 0)) {
            try PCA(fitting: Tensor([1, .nan, 3, 4], shape: [2, 2]), components: 1)
        }
        #expect(throws: ClusteringError.wrongSetting(name: "components", value: 0)) {
            try PCA(fitting: Tensor([1, 2, 3, 4], shape: [2, 2]), components: 0)
        }
    }

    @Test func rowsBecomeUnitLengthAndZeroStaysZero() {
        let rows = normalizeRows(Tensor<Float>([3, 4, 0, 0, -2, 0], shape: [3, 2]))
        #expect(rows.elements == [0.6, 0.8, 0, 0, -1, 0])
        #expect(normalizeRows(Tensor<Float>([], shape: [0, 4])).shape == [0, 4])
    }
}
