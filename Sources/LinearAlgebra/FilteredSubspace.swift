private import Foundation
private import Tensors

/// The largest eigenvalues of a large symmetric matrix `S` that is known by its products only, by
/// Chebyshev-filtered subspace iteration.
///
/// A few more vectors than are wanted are multiplied by a polynomial of `S` that is small where
/// the rest of the spectrum lies and grows fast above it, made orthonormal, and turned to the axes
/// that `S` has within their span; the lowest of its values there is where the next polynomial
/// begins to grow. Where products cost little, as those of sparse matrices do, this needs a small
/// part of the memory of `BlockLanczos`; and an eigenvalue may come as often as it likes, since
/// every vector begins at random instead of as what `S` made of another. What it is slow at, and may
/// give up, is a last eigenvalue wanted that comes more often than there are vectors left over, with
/// the next one close below it.
///
/// Source: Zhou, Saad, Tiago and Chelikowsky, "Self-consistent-field calculations using
/// Chebyshev-filtered subspace iteration", Journal of Computational Physics 219, 2006.
package struct FilteredSubspace {
    /// One row of a block of vectors: an entry of each.
    package typealias Lanes = SIMD16<Double>
    /// Writes `S · block` to its second argument; both have as many rows as `S`.
    ///
    /// Blocks are multiplied on several threads at the same time.
    package typealias Product = (_ block: [Lanes], _ product: inout [Lanes]) -> Void

    /// The eigenvalues, largest first.
    package let values: [Double]
    /// The eigenvectors as columns, `[order, count]`, of unit length, in the order of `values`.
    package let vectors: [Double]

    /// How many polynomials are tried, and their highest degree.
    private static let (limit, degrees) = (100, 100)
    /// How much more the first polynomial may enlarge one direction of the subspace than another,
    /// which rounding allows; the nearer the vectors are, the less they hold of each other, and the
    /// more the next one may.
    private static let range = 1e5
    /// How far below the lowest value found the polynomial begins to grow, as a share of the way to
    /// the lower bound; after a step that helps little the next one counts, over and over.
    ///
    /// The lowest value is the sharpest choice; but where the last eigenvalues wanted are equal
    /// to it, only a polynomial that begins lower sets them apart from the rest.
    private static let margins = [0, 0x1p-2, 0, 0x1p-5, 0, 0x1p-8]

    /// Solves for the `count` largest eigenvalues.
    ///
    /// - Parameters:
    ///   - order: The order of the matrix, 1 or more.
    ///   - count: How many eigenvalues, from 1 to `order`.
    ///   - bounds: A range that holds all eigenvalues.
    ///   - tolerance: The largest `|S·y − λ·y|` of a result, 10⁻⁹ of the range or more.
    ///   - product: What multiplies by the matrix.
    /// - Throws: `LinearAlgebraError.noConvergence`.
    /// - Complexity: Some hundred products with 1¼ · `count` vectors; memory for three times as
    ///   many vectors.
    package init(
        order: Int, count: Int, within bounds: ClosedRange<Double>, tolerance: Double,
        product: Product
    ) throws(LinearAlgebraError) {
        precondition(count >= 1 && count <= order, "\(count) eigenvalues of order \(order)")
        let wanted = count + max(8, count / 4)
        let width = Lanes.scalarCount
        var random = SeededGenerator(seed: 1)
        var subspace = Columns(
            random: &random, rows: order, count: min(order, (wanted + width - 1) / width * width))
        var (distance, margin) = (Double.infinity, 0)
        for _ in 0..<Self.limit {
            try subspace.orthonormalize(&random)
            let products = subspace.mapped { block in
                var result = block
                product(block, &result)
                return result
            }
            let ritz = try subspace.ritz(products)
            subspace = subspace.combined(ritz.weights, count: subspace.count)
            let turned = products.combined(ritz.weights, count: count)
            let before = distance
            distance = subspace.largestDistance(turned, factors: ritz.values)
            if distance <= tolerance {
                values = Array(ritz.values.prefix(count))
                vectors = subspace.prefix(count)
                return
            }
            if distance > before / 4 { margin = (margin + 1) % Self.margins.count }
            let lowest = ritz.values[subspace.count - 1]
            let filter = ChebyshevFilter(
                within: bounds,
                from: lowest - Self.margins[margin] * (lowest - bounds.lowerBound),
                range: Self.range / max(1e-4, min(1, distance)), degrees: Self.degrees)
            subspace = subspace.mapped { filter.apply(to: $0, product) }
        }
        throw .noConvergence(order: order)
    }
}

/// The Chebyshev polynomial that stays within ±1 from the lowest eigenvalue to a cut and grows
/// above it.
private struct ChebyshevFilter {
    let degree: Int
    private let centre: Double
    private let half: Double

    /// - Parameters:
    ///   - bounds: A range that holds all eigenvalues.
    ///   - cut: Where the growth begins.
    ///   - range: The most that an eigenvalue may be multiplied by, nearly.
    ///   - degrees: The highest degree.
    init(within bounds: ClosedRange<Double>, from cut: Double, range: Double, degrees: Int) {
        let (low, high) = (bounds.lowerBound, bounds.upperBound)
        let cut = max(cut, low + 0x1p-10 * (high - low))
        (centre, half) = ((cut + low) / 2, (cut - low) / 2)
        let growth = acosh(max(1 + 0x1p-40, (high - centre) / half))
        degree = max(2, min(degrees, Int(min(1e9, log(2 * range) / growth))))
    }

    /// `T(S) · block`, by the recurrence `T₊ = 2·(S − centre)/half · T − T₋`.
    func apply(
        to block: [FilteredSubspace.Lanes], _ product: FilteredSubspace.Product
    ) -> [FilteredSubspace.Lanes] {
        var (before, now, next) = (block, block, block)
        product(before, &now)
        for row in now.indices { now[row] = (now[row] - centre * before[row]) / half }
        for _ in 1..<degree {
            product(now, &next)
            for row in next.indices {
                next[row] = (next[row] - centre * now[row]) * (2 / half) - before[row]
            }
            (before, now, next) = (now, next, before)
        }
        return now
    }
}

/// A matrix with few columns, each a vector of the subspace.
private struct Columns {
    /// Rows that a thread multiplies at a time.
    private static let blockRows = 1024

    let rows: Int
    let count: Int
    /// `[rows, count]`.
    private var elements: [Double]

    private init(rows: Int, count: Int) {
        (self.rows, self.count) = (rows, count)
        elements = [Double](repeating: 0, count: rows * count)
    }

    init(random: inout SeededGenerator, rows: Int, count: Int) {
        self.init(rows: rows, count: count)
        for index in elements.indices { elements[index] = Double(random.normal()) }
    }

    /// The first columns, `[rows, count]`.
    func prefix(_ count: Int) -> [Double] {
        (0..<rows).flatMap { elements[$0 * self.count..<$0 * self.count + count] }
    }

    /// Each block of columns replaced by what `body` makes of it, blocks shared among threads.
    func mapped(_ body: ([FilteredSubspace.Lanes]) -> [FilteredSubspace.Lanes]) -> Columns {
        let width = FilteredSubspace.Lanes.scalarCount
        var result = Columns(rows: rows, count: count)
        unsafe result.elements.withUnsafeMutableBufferPointer { target in
            nonisolated(unsafe) let target = unsafe target
            Blocks.forEach(of: count, size: width) { columns in
                var block = [FilteredSubspace.Lanes](repeating: .zero, count: rows)
                for row in 0..<rows {
                    for column in columns {
                        block[row][column - columns.lowerBound] = elements[row * count + column]
                    }
                }
                let mapped = body(block)
                for row in 0..<rows {
                    for column in columns {
                        unsafe target[row * count + column] =
                            mapped[row][column - columns.lowerBound]
                    }
                }
            }
        }
        return result
    }

    /// `self · weightsᵀ`.
    ///
    /// - Parameters:
    ///   - weights: `[count, self.count]`; there may be more rows after these.
    ///   - count: The number of columns of the result.
    /// - Returns: `[rows, count]`.
    func combined(_ weights: [Double], count: Int) -> Columns {
        precondition(weights.count >= count * self.count, "\(weights.count) weights")
        var result = Columns(rows: rows, count: count)
        unsafe elements.withUnsafeBufferPointer { a in
            unsafe weights.withUnsafeBufferPointer { b in
                unsafe result.elements.withUnsafeMutableBufferPointer { c in
                    nonisolated(unsafe) let (a, b, c) = unsafe (a, b, c)
                    Blocks.forEach(of: rows, size: Self.blockRows) { rows in
                        unsafe BLAS.addProduct(
                            transposeA: false, transposeB: true, m: rows.count, n: count,
                            k: self.count, a: a.baseAddress! + rows.lowerBound * self.count,
                            lda: self.count, b: b.baseAddress!, ldb: self.count,
                            to: c.baseAddress! + rows.lowerBound * count, ldc: count)
                    }
                }
            }
        }
        return result
    }

    /// `selfᵀ · other`, of as many columns, symmetric: `[count, count]`.
    private func symmetricProduct(_ other: Columns) -> [Double] {
        var product = [Double](repeating: 0, count: count * count)
        unsafe elements.withUnsafeBufferPointer { a in
            unsafe other.elements.withUnsafeBufferPointer { b in
                unsafe product.withUnsafeMutableBufferPointer { c in
                    nonisolated(unsafe) let (a, b, c) = unsafe (a, b, c)
                    Blocks.forEach(of: count, size: 32) { columns in
                        unsafe BLAS.addProduct(
                            transposeA: true, transposeB: false, m: columns.count, n: count,
                            k: rows, a: a.baseAddress! + columns.lowerBound, lda: count,
                            b: b.baseAddress!, ldb: count,
                            to: c.baseAddress! + columns.lowerBound * count, ldc: count)
                    }
                }
            }
        }
        return product
    }

    /// The eigenvalues of `selfᵀ · products`, where these are `S · self`, largest first, and their
    /// vectors as rows.
    func ritz(
        _ products: Columns
    ) throws(LinearAlgebraError) -> (values: [Double], weights: [Double]) {
        let solved = try SymmetricEigenproblem(
            upperTriangle: symmetricProduct(products), order: count, count: count)
        return (solved.values, solved.vectors)
    }

    /// Makes the columns orthonormal without changing their span; what is next to nothing within
    /// it becomes random.
    ///
    /// Source: Stathopoulos and Wu, "A block orthogonalization procedure with constant
    /// synchronization requirements", SIAM Journal on Scientific Computing 23, 2002.
    mutating func orthonormalize(_ random: inout SeededGenerator) throws(LinearAlgebraError) {
        for _ in 0..<6 {
            let products = symmetricProduct(self)
            if isIdentity(products) { return }
            let scales = (0..<count).map { column in
                let square = products[column * (count + 1)]
                return square > 0 ? 1 / square.squareRoot() : 0
            }
            let scaled = products.indices.map {
                products[$0] * scales[$0 / count] * scales[$0 % count]
            }
            let solved = try SymmetricEigenproblem(
                upperTriangle: scaled, order: count, count: count)
            var weights = solved.vectors
            let kept = solved.values.prefix { $0 > 0x1p-46 * solved.values[0] }.count
            for index in weights.indices {
                let (row, column) = (index / count, index % count)
                weights[index] *=
                    row < kept ? scales[column] / solved.values[row].squareRoot() : 0
            }
            self = combined(weights, count: count)
            guard kept < count else { continue }
            let deviation = 1 / Double(rows).squareRoot()
            for row in 0..<rows {
                for column in kept..<count {
                    elements[row * count + column] = deviation * Double(random.normal())
                }
            }
        }
        throw .noConvergence(order: rows)
    }

    private func isIdentity(_ products: [Double]) -> Bool {
        products.indices.allSatisfy {
            abs(products[$0] - ($0 / count == $0 % count ? 1 : 0)) < 0x1p-33
        }
    }

    /// The largest distance between a column of `others` and the column here times its factor.
    func largestDistance(_ others: Columns, factors: [Double]) -> Double {
        var squares = [Double](repeating: 0, count: others.count)
        for row in 0..<rows {
            for column in squares.indices {
                let difference =
                    others.elements[row * others.count + column]
                    - factors[column] * elements[row * count + column]
                squares[column] += difference * difference
            }
        }
        return squares.reduce(0, max).squareRoot()
    }
}
