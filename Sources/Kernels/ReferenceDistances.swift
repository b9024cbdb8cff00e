// Float32 distances and products, each operation rounded, in the order that every row keeps.

func referenceDistances(
    _ point: UnsafePointer<Float>, dimension: Int, centroids: UnsafePointer<Float>, blocks: Int,
    out: UnsafeMutablePointer<Float>
) {
    for i in 0..<blocks * 16 {
        var sum: Float = 0
        for d in 0..<dimension {
            let difference = unsafe point[d] - centroids[(i / 16 * dimension + d) * 16 + i % 16]
            sum += difference * difference
        }
        unsafe out[i] = sum
    }
}

func referenceDots(
    _ query: UnsafePointer<Float>, rows: UnsafePointer<Float>, dimension: Int, count: Int,
    out: UnsafeMutablePointer<Float>
) {
    for r in 0..<count {
        var lanes = SIMD16<Float>()
        for d in 0..<dimension {
            unsafe lanes[d % 16] += query[d] * rows[r * dimension + d]
        }
        let eight = lanes.lowHalf + lanes.highHalf
        let four = eight.lowHalf + eight.highHalf
        let two = four.lowHalf + four.highHalf
        unsafe out[r] = two.x + two.y
    }
}
