import Clustering
import Testing

/// Values drawn by Faiss 1.15.1.
struct FaissGeneratorTests {
    @Test(arguments: [
        (10, 1, [5, 6, 1, 2, 0, 8, 9, 3, 7, 4]),
        (10, 1234, [5, 4, 8, 2, 6, 9, 1, 7, 0, 3]),
        (10, 1235, [3, 2, 4, 9, 0, 7, 1, 5, 6, 8]),
        (20, 1, [5, 13, 2, 11, 19, 18, 1, 9, 4, 7, 0, 14, 16, 10, 15, 3, 6, 17, 12, 8]),
        (1, 1, [0]), (0, 1, []),
    ])
    func permutationIsThatOfFaiss(count: Int, seed: UInt32, expected: [Int]) {
        var random = FaissGenerator(seed: seed)
        #expect(random.permutation(count) == expected)
    }

    @Test func uniformNumbersAreThoseOfFaiss() {
        var random = FaissGenerator(seed: 1234)
        for expected: Float in [0.191519454, 0.497663677, 0.622108757, 0.81783843, 0.437727749] {
            #expect(random.uniform() == expected)
        }
    }

    @Test func drawsAreThoseOfTheStandardTwister() {
        var random = FaissGenerator(seed: 1234)
        for expected: UInt32 in [822569775, 2137449171, 524453158, 1365105717, 1880026316] {
            #expect(random.next() & 0x7FFF_FFFF == expected)
        }
        // The C++ standard fixes the 10,000th draw of the default seed.
        var standard = FaissGenerator(seed: 5489)
        for _ in 0..<9_999 { _ = standard.next() }
        #expect(standard.next() == 4_123_659_995)
    }
}
