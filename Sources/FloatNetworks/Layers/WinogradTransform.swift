/// Winograd's minimal algorithms F(4, 3) and F(2, 5): a row of 4 outputs of a filter of 3, or 2
/// of a filter of 5, from 6 inputs by 6 products.
///
/// Written as `y = Aᵀ[(G·g) ⊙ (Bᵀ·d)]`. Both have the points 0, ±1, ±2 and ∞, and so the same B.
/// In two dimensions each transform is applied along both axes: 36 products where 144, or 100,
/// are needed otherwise. The values are eight channels each. Gradients take the transposed
/// matrices, so they are the exact derivatives of what is computed.
///
/// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016
/// (arXiv:1509.09308).
struct WinogradTransform {
    /// The filter's side, 3 or 5.
    let filter: Int
    /// The side of a tile of outputs, 4 or 2.
    let outputs: Int
    /// The side of a tile of inputs, and of what is multiplied.
    static let side = 6

    typealias Six = (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes)

    init(filter: Int) {
        precondition(filter == 3 || filter == 5, "no filter of \(filter)")
        (self.filter, outputs) = (filter, Self.side + 1 - filter)
    }

    // MARK: Inputs

    /// `Bᵀ·d`.
    @inline(__always)
    static func input(_ d: Six) -> Six {
        let (even, odd) = (d.4 - 4 * d.2, d.3 - 4 * d.1)
        let (evenTwo, oddTwo) = (d.4 - d.2, 2 * (d.3 - d.1))
        return (
            4 * d.0 - 5 * d.2 + d.4, even + odd, even - odd, evenTwo + oddTwo, evenTwo - oddTwo,
            4 * d.1 - 5 * d.3 + d.5
        )
    }

    /// `B·t`.
    @inline(__always)
    static func inputGradient(_ t: Six) -> Six {
        let (sum, difference) = (t.1 + t.2, t.1 - t.2)
        let (sumTwo, differenceTwo) = (t.3 + t.4, t.3 - t.4)
        return (
            4 * t.0, 4 * (t.5 - difference) - 2 * differenceTwo, -5 * t.0 - 4 * sum - sumTwo,
            difference + 2 * differenceTwo - 5 * t.5, t.0 + sum + sumTwo, t.5
        )
    }

    // MARK: Outputs

    /// `Aᵀ·m`, of which the last two are for a filter of 3 only.
    @inline(__always)
    func output(_ m: Six) -> (Lanes, Lanes, Lanes, Lanes) {
        let (sum, difference) = (m.1 + m.2, m.1 - m.2)
        let (sumTwo, differenceTwo) = (m.3 + m.4, m.3 - m.4)
        let first = m.0 + sum + sumTwo
        let second = difference + 2 * differenceTwo
        guard filter == 3 else { return (first, second + m.5, .zero, .zero) }
        return (first, second, sum + 4 * sumTwo, difference + 8 * differenceTwo + m.5)
    }

    /// `A·y`; of a filter of 5 the first two outputs count.
    @inline(__always)
    func outputGradient(_ y: (Lanes, Lanes, Lanes, Lanes)) -> Six {
        guard filter == 3 else {
            return (y.0, y.0 + y.1, y.0 - y.1, y.0 + 2 * y.1, y.0 - 2 * y.1, y.1)
        }
        let (even, odd) = (y.0 + y.2, y.1 + y.3)
        let (evenTwo, oddTwo) = (y.0 + 4 * y.2, 2 * y.1 + 8 * y.3)
        return (y.0, even + odd, even - odd, evenTwo + oddTwo, evenTwo - oddTwo, y.3)
    }

    // MARK: Filters

    /// `G`, `[6, filter]`: the powers of each point, divided by what its product is too large by.
    private var points: [Float] {
        [(0, 4), (1, -6), (-1, -6), (2, 24), (-2, 24)].flatMap { point, divisor in
            (0..<filter).map { power in
                Float((0..<power).reduce(1) { value, _ in value * point }) / Float(divisor)
            }
        } + (0..<filter).map { $0 == filter - 1 ? 1 : 0 }
    }

    /// `(G·g·Gᵀ)[i, j] = Σ factors[i, j, y, x]·g[y, x]`: both axes at once, `[36, filter²]`.
    var filterFactors: [Float] {
        let (points, side) = (points, Self.side)
        var factors: [Float] = []
        for i in 0..<side {
            for j in 0..<side {
                for y in 0..<filter {
                    for x in 0..<filter {
                        factors.append(points[i * filter + y] * points[j * filter + x])
                    }
                }
            }
        }
        return factors
    }
}
