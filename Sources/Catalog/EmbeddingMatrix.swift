/// The embeddings of one model in memory, for search: unit vectors in blocks of rows.
///
/// A value: a search works on its copy while the writer changes the original, and only the
/// blocks that changed are copied. A block is small enough for a second-level cache, so that
/// several queries can pass over it while it is there.
///
/// Memory: 4 bytes an element and 8 an id.
package struct EmbeddingMatrix: Sendable {
    /// Up to `blockRows` rows.
    struct Block: Sendable {
        var images: [Int64] = []
        var elements: [Float] = []
    }

    /// Rows in a block; the last block may have fewer.
    static let blockRows = 256

    /// The length of a row.
    package let dimension: Int
    /// The number of rows.
    package private(set) var count = 0
    private(set) var blocks: [Block] = []

    /// A matrix without rows.
    package init(dimension: Int) {
        self.dimension = dimension
    }

    /// The picture that a row belongs to.
    func image(ofRow row: Int) -> Int64 {
        blocks[row / Self.blockRows].images[row % Self.blockRows]
    }

    /// The elements of a row.
    func vector(ofRow row: Int) -> [Float] {
        let first = row % Self.blockRows * dimension
        return Array(blocks[row / Self.blockRows].elements[first..<first + dimension])
    }

    /// Adds a row at the end.
    package mutating func append(_ vector: [Float], image: Int64) {
        precondition(vector.count == dimension, "\(vector.count) elements, not \(dimension)")
        if count % Self.blockRows == 0 { blocks.append(Block()) }
        blocks[blocks.count - 1].images.append(image)
        blocks[blocks.count - 1].elements += vector
        count += 1
    }

    /// Removes a row by moving the last one into its place.
    mutating func swapRemove(row: Int) {
        let last = count - 1
        if row != last {
            let moved = vector(ofRow: last)
            let image = image(ofRow: last)
            let (block, offset) = (row / Self.blockRows, row % Self.blockRows)
            blocks[block].images[offset] = image
            let first = offset * dimension
            blocks[block].elements.replaceSubrange(first..<first + dimension, with: moved)
        }
        blocks[blocks.count - 1].images.removeLast()
        blocks[blocks.count - 1].elements.removeLast(dimension)
        if blocks[blocks.count - 1].images.isEmpty { blocks.removeLast() }
        count = last
    }

    /// The rows with the largest dot products with `query`, exactly; ties to the lower id.
    ///
    /// - Complexity: O(rows · dimension).
    package func nearest(
        to query: [Float], count wanted: Int, excluding excluded: Int64? = nil
    ) -> [Neighbour] {
        precondition(query.count == dimension, "\(query.count) elements, not \(dimension)")
        var best = TopList(capacity: wanted)
        var products = [Float](repeating: 0, count: Self.blockRows)
        for block in blocks {
            dotProducts(query.span, rows: block.elements.span, into: &products)
            for (row, image) in block.images.enumerated() where image != excluded {
                best.offer(Neighbour(image: image, similarity: products[row]))
            }
        }
        return best.entries
    }
}

/// The best of the neighbours offered, in order.
struct TopList {
    let capacity: Int
    private(set) var entries: [Neighbour] = []

    init(capacity: Int) {
        self.capacity = max(capacity, 0)
    }

    /// Takes in `candidate` if it is among the best so far.
    @inline(__always)
    mutating func offer(_ candidate: Neighbour) {
        if entries.count >= capacity {
            guard let worst = entries.last, candidate.precedes(worst) else { return }
            entries.removeLast()
        }
        insert(candidate)
    }

    private mutating func insert(_ candidate: Neighbour) {
        var rank = entries.count
        while rank > 0, candidate.precedes(entries[rank - 1]) { rank -= 1 }
        entries.insert(candidate, at: rank)
    }
}
