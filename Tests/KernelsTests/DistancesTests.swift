import Kernels
import Tensors
import Testing

struct DistancesTests {
    @Test(arguments: [1, 15, 16, 17, 64, 100], [1, 7, 256])
    func distancesAreSummedInIndexOrder(count: Int, dimension: Int) {
        var random = SeededGenerator(seed: 3)
        let centroids = random.normals(count * dimension, deviation: 1)
        let point = random.normals(dimension, deviation: 1)
        let expected = (0..<count).map { i in
            var sum: Float = 0
            for d in 0..<dimension {
                let difference = point[d] - centroids[i * dimension + d]
                sum += difference * difference
            }
            return sum
        }
        let packed = PackedCentroids(centroids.span, dimension: dimension)
        for table in KernelTable.supported {
            var found = [Float](repeating: -1, count: packed.paddedCount)
            var span = found.mutableSpan
            packed.squaredDistances(to: point.span, into: &span, using: table)
            #expect(Array(found.prefix(count)) == expected, "row \(table)")
        }
    }

    @Test(arguments: [1, 3, 4, 5, 9], [1, 8, 15, 16, 17, 31, 128, 250])
    func dotProductsAreTheSameOnEveryRow(count: Int, dimension: Int) {
        var random = SeededGenerator(seed: 4)
        let query = random.normals(dimension, deviation: 1)
        let rows = random.normals(count * dimension, deviation: 1)
        // The sum as documented: element i to partial sum i mod 16, then a tree.
        let expected = (0..<count).map { r in
            var lanes = [Float](repeating: 0, count: 16)
            for d in 0..<dimension { lanes[d % 16] += query[d] * rows[r * dimension + d] }
            for half in [8, 4, 2, 1] {
                for j in 0..<half { lanes[j] += lanes[j + half] }
            }
            return lanes[0]
        }
        for table in KernelTable.supported {
            var found = [Float](repeating: -1, count: count)
            var span = found.mutableSpan
            table.dotProducts(of: query.span, with: rows.span, into: &span)
            #expect(found == expected, "row \(table)")
        }
    }

    @Test func tiesGoToTheLowerIndex() {
        let packed = PackedCentroids([0, 1, 2, 3].span, dimension: 1)
        #expect(packed.nearestTwo([2, 1, 1, 3].span) == (1, 2))
        #expect(packed.nearestTwo([1, 1, 1, 1].span) == (0, 1))
        #expect(packed.nearestTwo([3, 2, 1, 0].span) == (3, 2))
        #expect(packed.nearestTwo([1, 2, 0, 1].span) == (2, 0))
        #expect(PackedCentroids([5].span, dimension: 1).nearestTwo([4].span) == (0, 0))
    }
}
