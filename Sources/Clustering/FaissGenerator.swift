/// Faiss's random numbers: the 32-bit Mersenne Twister and what Faiss makes of its draws.
///
/// k-means takes its first centroids and its empty-cluster repair from it, so that a run can
/// be compared with Faiss, label by label.
///
/// Source: Matsumoto and Nishimura, "Mersenne Twister", 1998 (`std::mt19937`).
package struct FaissGenerator {
    private static let size = 624
    private static let middle = 397
    private var state: [UInt32]
    private var position = FaissGenerator.size

    /// A generator whose sequence is decided by `seed`.
    package init(seed: UInt32) {
        state = [UInt32](repeating: seed, count: Self.size)
        for i in 1..<Self.size {
            let previous = state[i - 1]
            state[i] = 1_812_433_253 &* (previous ^ (previous >> 30)) &+ UInt32(i)
        }
    }

    /// The next 32 random bits.
    package mutating func next() -> UInt32 {
        if position == Self.size { twist() }
        var y = state[position]
        position += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C_5680
        y ^= (y << 15) & 0xEFC6_0000
        return y ^ (y >> 18)
    }

    /// A number from 0 to 1; both ends can come, as Float rounds the largest draws to 2³².
    package mutating func uniform() -> Float {
        Float(next()) / 0x1p32
    }

    /// The numbers `0..<count` in a random order; `count` is at most 2³¹.
    package mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        guard count > 1 else { return order }
        for i in 0..<(count - 1) {
            order.swapAt(i, i + Int(next() % UInt32(count - i)))
        }
        return order
    }

    private mutating func twist() {
        for i in 0..<Self.size {
            let upper = state[i] & 0x8000_0000
            let y = upper | (state[(i + 1) % Self.size] & 0x7FFF_FFFF)
            let twisted = state[(i + Self.middle) % Self.size] ^ (y >> 1)
            state[i] = y & 1 == 0 ? twisted : twisted ^ 0x9908_B0DF
        }
        position = 0
    }
}
