extension ImageCatalog {
    /// The model that searches go through: the one that the daemon loaded last.
    ///
    /// While its embeddings are being made, searches see those made so far, and never those of another
    /// model.
    public var searchModel: ModelRecord? { search?.model }

    /// The number of embeddings that searches see.
    public var searchCount: Int { search?.matrix.count ?? 0 }

    /// The pictures whose embeddings have the largest dot products with `vector`, exactly, ties
    /// to the lower id.
    ///
    /// It neither waits for writes nor holds them up.
    ///
    /// - Parameters:
    ///   - vector: As long as the loaded model's dimension.
    ///   - count: How many at most.
    ///   - excluded: A picture to leave out.
    /// - Returns: The best first.
    /// - Throws: `CatalogError.noModel`, `CatalogError.invalidVector`.
    /// - Complexity: O(pictures · dimension).
    public func nearest(
        to vector: [Float], count: Int, excluding excluded: Int64? = nil
    ) throws(CatalogError) -> [Neighbour] {
        guard let search else { throw .noModel }
        guard vector.count == search.matrix.dimension, vector.allSatisfy({ $0.isFinite }) else {
            throw .invalidVector(
                image: excluded ?? 0, count: vector.count, dimension: search.matrix.dimension)
        }
        return search.matrix.nearest(to: vector, count: count, excluding: excluded)
    }
}
