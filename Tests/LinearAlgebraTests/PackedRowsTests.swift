import LinearAlgebra
import Tensors
import TestSupport
import Testing

struct PackedRowsTests {
    // Against sums in Double, at counts around the widths of vectors and panels.
    @Test(
        arguments: FloatLoops.supported,
        [(17, 1), (16, 3), (47, 64), (48, 5), (49, 256), (200, 33)])
    func scoresAreTheProducts(loops: FloatLoops, shape: (count: Int, width: Int)) throws {
        let (count, width) = shape
        var random = SeededGenerator(seed: 81)
        let rows = random.normals(count * width, deviation: 1)
        let (factors, offsets) = (
            random.normals(count, deviation: 2), random.normals(count, deviation: 3)
        )
        let packed = try #require(
            PackedRows(rows, count: count, width: width, using: loops))
        for n in [1, 8, 9, 131] {
            let points = random.normals(n * width, deviation: 1)
            var found = [Float](repeating: .nan, count: n * count)
            unsafe points.withUnsafeBufferPointer { points in
                unsafe factors.withUnsafeBufferPointer { factors in
                    unsafe offsets.withUnsafeBufferPointer { offsets in
                        unsafe found.withUnsafeMutableBufferPointer { found in
                            unsafe packed.multiply(
                                points, factors: factors, offsets: offsets, to: found)
                        }
                    }
                }
            }
            for row in 0..<n {
                for column in 0..<count {
                    var (sum, size) = (0.0, 0.0)
                    for i in 0..<width {
                        let term =
                            Double(points[row * width + i]) * Double(rows[column * width + i])
                        sum += term
                        size += abs(term)
                    }
                    let (factor, offset) = (Double(factors[column]), Double(offsets[column]))
                    let bound =
                        0x1p-24
                        * (Double(width + 2) * size * abs(factor) + 2 * abs(offset)
                            + 2 * abs(sum * factor))
                    #expect(
                        abs(Double(found[row * count + column]) - (sum * factor + offset)) <= bound,
                        "row \(row), column \(column) of \(count) × \(width)")
                }
            }
        }
    }

    @Test(arguments: FloatLoops.supported)
    func fewerRowsThanLanesAreLeftToBLAS(loops: FloatLoops) {
        let rows = [Float](repeating: 1, count: loops.lanes * 2)
        #expect(PackedRows(rows, count: loops.lanes, width: 2, using: loops) != nil)
        #expect(
            PackedRows(
                Array(rows.dropLast(2)), count: loops.lanes - 1,
                width: 2, using: loops) == nil)
        #expect(PackedRows(rows, count: loops.lanes, width: 2, using: nil) == nil)
    }
}
