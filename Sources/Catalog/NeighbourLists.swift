/// The nearest neighbours of every embedding of one model, kept exact while pictures come and go.
///
/// Adding pictures compares them with all others once: a new picture gets its list, and enters
/// the lists of those that it is near to. Removing pictures makes the lists anew that named them.
/// Everything else stays as it is, so that little has to be written.
///
/// Memory, beside the matrix: 320 bytes a picture.
struct NeighbourLists: Sendable {
    /// The length of a list, if there are as many other pictures.
    static let depth = 20

    /// One list that changed: its entries from `firstRank` (counted from 0) are new.
    struct Change: Equatable {
        let image: Int64
        let list: [Neighbour]
        let firstRank: Int
        let formerCount: Int
    }

    private(set) var matrix: EmbeddingMatrix
    private var rows: [Int64: Int] = [:]
    private var entries: [Neighbour] = []  // `depth` places a row
    private var counts: [Int] = []

    init(dimension: Int) {
        matrix = EmbeddingMatrix(dimension: dimension)
    }

    /// Whether a picture has an embedding here.
    func contains(_ image: Int64) -> Bool { rows[image] != nil }

    /// The list of one picture, nearest first.
    func list(of image: Int64) -> [Neighbour] {
        guard let row = rows[image] else { return [] }
        return Array(entries[row * Self.depth..<row * Self.depth + counts[row]])
    }

    /// Adds an embedding and its list as they were stored; `repair` checks them afterwards.
    mutating func restore(image: Int64, vector: [Float], list: [Neighbour]) {
        appendRow(image, vector)
        setList(list, row: rows[image]!)
    }

    /// Makes the lists anew that cannot be right: too short, too long, or with unknown pictures.
    ///
    /// Lists written in one transaction with their embeddings are never wrong; those of a model
    /// that did not serve for a while are.
    mutating func repair() -> [Change] {
        let expected = min(Self.depth, matrix.count - 1)
        var wrong: Set<Int64> = []
        for row in 0..<matrix.count {
            let list = entries[row * Self.depth..<row * Self.depth + counts[row]]
            if list.count != expected || list.contains(where: { rows[$0.image] == nil }) {
                wrong.insert(matrix.image(ofRow: row))
            }
        }
        return compare(inserted: [], dirty: wrong)
    }

    /// Removes pictures, then adds others, and returns the lists that changed.
    ///
    /// A picture in both is replaced. Those in `removed` that are unknown are passed over.
    ///
    /// - Complexity: O((added + lists that named a removed one) · pictures · dimension).
    mutating func update(
        removing removed: Set<Int64>, adding added: [(image: Int64, vector: [Float])]
    ) -> [Change] {
        let gone = removed.filter { rows[$0] != nil }
        var dirty: Set<Int64> = []
        if !gone.isEmpty {
            dirty = imagesNaming(gone)
            for image in gone { removeRow(of: image) }
        }
        for (image, vector) in added { appendRow(image, vector) }
        return compare(inserted: added.map(\.image), dirty: dirty)
    }

    private func imagesNaming(_ gone: Set<Int64>) -> Set<Int64> {
        var naming: Set<Int64> = []
        for row in 0..<matrix.count {
            let image = matrix.image(ofRow: row)
            if gone.contains(image) { continue }
            let first = row * Self.depth
            for place in first..<first + counts[row] where gone.contains(entries[place].image) {
                naming.insert(image)
                break
            }
        }
        return naming
    }

    /// Passes once over the matrix: the lists of `inserted` and `dirty` pictures are made, and
    /// the inserted ones are offered to all other lists.
    private mutating func compare(inserted: [Int64], dirty: Set<Int64>) -> [Change] {
        let queries = inserted + dirty.sorted()
        guard !queries.isEmpty else { return [] }
        let insertedSet = Set(inserted)
        let vectors = queries.map { matrix.vector(ofRow: rows[$0]!) }
        var lists = queries.map { _ in TopList(capacity: Self.depth) }
        var firstChanged: [Int: Int] = [:]  // row → rank
        var formerCounts: [Int: Int] = [:]
        var products = [Float](repeating: 0, count: EmbeddingMatrix.blockRows)

        let blocks = matrix.blocks
        for (number, block) in blocks.enumerated() {
            let firstRow = number * EmbeddingMatrix.blockRows
            let remade = block.images.map { insertedSet.contains($0) || dirty.contains($0) }
            for (index, query) in queries.enumerated() {
                let vector = vectors[index]
                dotProducts(vector.span, rows: block.elements.span, into: &products)
                let isNew = index < inserted.count
                for (offset, image) in block.images.enumerated() where image != query {
                    lists[index].offer(Neighbour(image: image, similarity: products[offset]))
                    guard isNew, !remade[offset] else { continue }
                    let candidate = Neighbour(image: query, similarity: products[offset])
                    let row = firstRow + offset
                    let former = counts[row]
                    guard let rank = insert(candidate, row: row) else { continue }
                    firstChanged[row] = min(firstChanged[row] ?? rank, rank)
                    if formerCounts[row] == nil { formerCounts[row] = former }
                }
            }
        }
        var changes = firstChanged.map { row, rank in
            Change(
                image: matrix.image(ofRow: row), list: list(ofRow: row), firstRank: rank,
                formerCount: formerCounts[row]!)
        }
        for (index, query) in queries.enumerated() {
            if let change = replaceList(of: query, by: lists[index].entries) {
                changes.append(change)
            }
        }
        return changes.sorted { $0.image < $1.image }
    }

    /// Puts `candidate` where it belongs in a row's list; nil if it does not.
    private mutating func insert(_ candidate: Neighbour, row: Int) -> Int? {
        let first = row * Self.depth
        var rank = counts[row]
        if rank == Self.depth {
            guard candidate.precedes(entries[first + rank - 1]) else { return nil }
            rank -= 1
        } else {
            counts[row] += 1
        }
        while rank > 0, candidate.precedes(entries[first + rank - 1]) {
            entries[first + rank] = entries[first + rank - 1]
            rank -= 1
        }
        entries[first + rank] = candidate
        return rank
    }

    private mutating func replaceList(of image: Int64, by list: [Neighbour]) -> Change? {
        let row = rows[image]!
        let former = self.list(ofRow: row)
        let same = zip(former, list).prefix { $0 == $1 }.count
        guard same < max(former.count, list.count) else { return nil }
        setList(list, row: row)
        return Change(image: image, list: list, firstRank: same, formerCount: former.count)
    }

    private func list(ofRow row: Int) -> [Neighbour] {
        Array(entries[row * Self.depth..<row * Self.depth + counts[row]])
    }

    private mutating func setList(_ list: [Neighbour], row: Int) {
        counts[row] = min(list.count, Self.depth)
        for (rank, neighbour) in list.prefix(Self.depth).enumerated() {
            entries[row * Self.depth + rank] = neighbour
        }
    }

    private mutating func appendRow(_ image: Int64, _ vector: [Float]) {
        precondition(rows[image] == nil, "image \(image) has a row already")
        rows[image] = matrix.count
        matrix.append(vector, image: image)
        entries += repeatElement(Neighbour(image: 0, similarity: 0), count: Self.depth)
        counts.append(0)
    }

    private mutating func removeRow(of image: Int64) {
        let row = rows.removeValue(forKey: image)!
        let last = matrix.count - 1
        if row != last {
            let moved = matrix.image(ofRow: last)
            rows[moved] = row
            setList(list(ofRow: last), row: row)
        }
        matrix.swapRemove(row: row)
        entries.removeLast(Self.depth)
        counts.removeLast()
    }
}
