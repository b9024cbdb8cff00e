import LinearAlgebra
import Tensors

/// How well pictures of the same thing find one another.
public struct RetrievalFigures: Codable, Equatable, Sendable {
    /// What is looked for: an edit's name, `original`, or `instance`.
    public let search: String
    /// The number of pictures that search.
    public let queries: Int
    /// The mean number of pictures among which they search.
    public let gallery: Int
    /// The share of queries with a right picture in the first place.
    public let recallAt1: Double
    /// The share of queries with a right picture among the first 5.
    public let recallAt5: Double
    /// The share of queries with a right picture among the first 10.
    public let recallAt10: Double
    /// The mean over queries of the average precision of the whole ranking.
    public let map: Double

    /// Figures of a search.
    ///
    /// - Parameters:
    ///   - search: Who searches for what.
    ///   - embeddings: Those of all pictures, `[n, d]`, unit length.
    ///   - instances: What each picture shows; `nil` for a distractor.
    init?(_ search: RetrievalSearch, embeddings: Tensor<Float>, instances: [String?]) {
        let gallery = search.gallery
        var (found, precision) = ([Int](repeating: 0, count: 3), 0.0)
        var (queries, searched) = (0, 0)
        let references = embeddings.rows(at: gallery)
        for start in stride(from: 0, to: search.queries.count, by: 256) {
            let block = search.queries[start..<min(search.queries.count, start + 256)]
            let similarities = embeddings.rows(at: block).multiplied(
                by: references, transposeOther: true)
            for (row, query) in block.enumerated() {
                let scores = Array(similarities[row: row])
                // A picture never finds itself; equal ones come in the order of the file.
                let ranking = gallery.indices.filter { gallery[$0] != query }
                    .sorted { (scores[$1], $0) < (scores[$0], $1) }
                let isRight = ranking.map { instances[gallery[$0]] == instances[query] }
                guard let first = isRight.firstIndex(of: true) else { continue }
                queries += 1
                searched += ranking.count
                for (index, k) in [1, 5, 10].enumerated() where first < k { found[index] += 1 }
                precision += Self.averagePrecision(isRight)
            }
        }
        guard queries > 0 else { return nil }
        self.search = search.name
        self.queries = queries
        self.gallery = (searched + queries / 2) / queries
        recallAt1 = Double(found[0]) / Double(queries)
        recallAt5 = Double(found[1]) / Double(queries)
        recallAt10 = Double(found[2]) / Double(queries)
        map = precision / Double(queries)
    }

    /// The mean precision at the places of the right pictures.
    ///
    /// - Parameter isRight: In the order of the ranking, at least one of them.
    /// - Returns: From 0 to 1.
    package static func averagePrecision(_ isRight: [Bool]) -> Double {
        var (right, sum) = (0, 0.0)
        for (place, hit) in isRight.enumerated() where hit {
            right += 1
            sum += Double(right) / Double(place + 1)
        }
        return sum / Double(max(1, right))
    }
}

/// Who searches among whom.
struct RetrievalSearch {
    let name: String
    /// The numbers of the pictures that search.
    let queries: [Int]
    /// The numbers of those that may be found.
    let gallery: [Int]

    /// The searches that a ground truth makes.
    ///
    /// With originals: each edit searches for its original among originals and distractors,
    /// and the originals for their edits among all edits and distractors. Without: each picture
    /// searches for the others of its instance among all.
    static func all(of entries: [RetrievalTruth.Entry]) -> [RetrievalSearch] {
        let indices = entries.indices
        let distractors = indices.filter { entries[$0].instance == nil }
        let shown = indices.filter { entries[$0].instance != nil }
        let originals = shown.filter { entries[$0].edit == original }
        guard !originals.isEmpty else {
            return [RetrievalSearch(name: "instance", queries: shown, gallery: Array(indices))]
        }
        let edits = shown.filter { entries[$0].edit != original }
        var names: [String] = []
        for index in edits {
            let name = entries[index].edit ?? ""
            if !names.contains(name) { names.append(name) }
        }
        let found = names.map { name in
            RetrievalSearch(
                name: name, queries: edits.filter { (entries[$0].edit ?? "") == name },
                gallery: (originals + distractors).sorted())
        }
        return found + [
            RetrievalSearch(
                name: original, queries: originals, gallery: (edits + distractors).sorted())
        ]
    }

    private static let original = "original"
}
