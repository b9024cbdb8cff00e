import RealModule

extension SeededGenerator {
    /// A number drawn from the standard normal distribution (Box and Muller, 1958).
    public mutating func normal() -> Float {
        // 1 − u lies in (0, 1], so the logarithm is finite.
        let radius = (-2 * Double.log(1 - Double(uniform()))).squareRoot()
        return Float(radius * Double.cos(2 * Double.pi * Double(uniform())))
    }

    /// `count` independent numbers from the normal distribution of the given deviation.
    public mutating func normals(_ count: Int, deviation: Float) -> [Float] {
        (0..<count).map { _ in normal() * deviation }
    }

    /// The numbers `0..<count` in a random order (Fisher and Yates).
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        guard count > 1 else { return order }
        for i in 0..<(count - 1) { order.swapAt(i, i + index(below: count - i)) }
        return order
    }
}
