import LinearAlgebra
import Synchronization
import Tensors
import Testing

struct BLASTests {
    @Test(arguments: [false, true], [false, true])
    func productMatchesTheDefinition(transposeA: Bool, transposeB: Bool) {
        let (m, n, k) = (7, 5, 11)
        var random = SeededGenerator(seed: 1)
        let a = Tensor(
            random.normals(m * k, deviation: 1), shape: transposeA ? [k, m] : [m, k])
        let b = Tensor(
            random.normals(k * n, deviation: 1), shape: transposeB ? [n, k] : [k, n])
        let product = a.multiplied(by: b, transposeSelf: transposeA, transposeOther: transposeB)
        #expect(product.shape == [m, n])
        for i in 0..<m {
            for j in 0..<n {
                let sum = (0..<k).reduce(0.0) { sum, l in
                    let x = a.elements[transposeA ? l * m + i : i * k + l]
                    let y = b.elements[transposeB ? j * k + l : l * n + j]
                    return sum + Double(x) * Double(y)
                }
                #expect(abs(Double(product.elements[i * n + j]) - sum) < 1e-5)
            }
        }
    }

    @Test func alphaBetaAndLeadingDimensionsAreObeyed() {
        // The top left 1 × 2 of C in rows of 3: 2·(1·[3 4]) + 10·[1 1].
        let (a, b): ([Float], [Float]) = ([1, 99], [3, 4, 99])
        var c: [Float] = [1, 1, 7]
        unsafe BLAS.gemm(
            transposeA: false, transposeB: false, m: 1, n: 2, k: 1, alpha: 2, a: a, lda: 2, b: b,
            ldb: 3, beta: 10, c: &c, ldc: 3)
        #expect(c == [16, 18, 7])
    }

    @Test func emptyProductsAreZero() {
        let a = Tensor<Float>([], shape: [2, 0])
        #expect(a.multiplied(by: Tensor([], shape: [0, 3])).elements == [0, 0, 0, 0, 0, 0])
        #expect(
            Tensor<Float>([], shape: [0, 4]).multiplied(by: Tensor([], shape: [4, 0])).count == 0)
    }

    // One below, at, and one above the rows of a block, and several blocks.
    @Test(arguments: [255, 256, 257, 900])
    func theNumberOfThreadsChangesNoByte(rows: Int) {
        var random = SeededGenerator(seed: 2)
        let a = Tensor(random.normals(rows * 157, deviation: 1), shape: [rows, 157])
        let b = Tensor(random.normals(101 * 157, deviation: 1), shape: [101, 157])
        let before = BLAS.threads
        defer { BLAS.setThreads(before) }
        let mean = Moments.columnMeans(of: a)
        let products = [1, 2, 3].map { threads in
            BLAS.setThreads(threads)
            // A fresh copy lies at another address.
            let copy = Tensor(a.elements.map { $0 }, shape: a.shape)
            return (
                copy.multiplied(by: b, transposeOther: true),
                copy.multiplied(by: a, transposeSelf: true),
                Moments.scatter(of: copy, mean: mean), Moments.gramian(of: copy, mean: mean)
            )
        }
        for product in products { #expect(product == products[0]) }
    }

    @Test func everyItemIsInOneBlock() {
        for (count, size) in [(0, 3), (1, 3), (3, 3), (10, 3), (100, 1)] {
            let seen = Mutex([Int](repeating: 0, count: count))
            Blocks.forEach(of: count, size: size) { block in
                #expect(block.lowerBound % size == 0 && block.count <= size)
                seen.withLock { for item in block { $0[item] += 1 } }
            }
            #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
        }
    }
}
