/// A small, fast random number generator whose whole state can be saved: xoshiro256**.
///
/// The state is seeded by SplitMix64, as its authors advise, so that neighbouring seeds
/// give unrelated sequences.
///
/// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018.
public struct SeededGenerator: RandomNumberGenerator, Hashable, Sendable, Codable {
    private var s0, s1, s2, s3: UInt64

    /// A generator whose sequence is decided by `seed`.
    public init(seed: UInt64) {
        var mixer = seed
        func mixed() -> UInt64 {
            mixer &+= 0x9E37_79B9_7F4A_7C15
            var z = mixer
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        (s0, s1, s2, s3) = (mixed(), mixed(), mixed(), mixed())
    }

    /// A generator for one item of a larger computation, independent of the order in which
    /// items are worked on: the same `seed` and `stream` always give the same sequence.
    public init(seed: UInt64, stream: UInt64) {
        var mixed = SeededGenerator(seed: seed)
        self.init(seed: mixed.next() ^ (stream &* 0xD134_2543_DE82_EF95))
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        let product = s1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = (s3 << 45) | (s3 >> 19)
        return result
    }

    /// A number drawn uniformly from [0, 1), a multiple of 2⁻²⁴.
    public mutating func uniform() -> Float {
        Float(next() >> 40) * 0x1p-24
    }

    /// A number drawn uniformly from the given range.
    public mutating func uniform(in range: ClosedRange<Float>) -> Float {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// An integer drawn uniformly from 0 up to but not including `bound`.
    public mutating func index(below bound: Int) -> Int {
        Int.random(in: 0..<bound, using: &self)
    }
}
