extension ClusterQuality {
    /// The share of items that left their cluster from one clustering to the next.
    ///
    /// Cluster numbers mean nothing across clusterings, so clusters are matched one to one, those
    /// with the most items in common first; an item stays where its new cluster is matched with
    /// its old one. The best matching of all, by the Hungarian method, takes too long for
    /// thousands of clusters; this one is at most a little above its share.
    ///
    /// - Parameters:
    ///   - now: The cluster of each item.
    ///   - before: The cluster that each item had.
    /// - Returns: From 0, where nothing changed but the numbers, up to 1.
    /// - Complexity: O(n + p·log p) for p pairs of clusters with items in common.
    public static func shareReassigned(_ now: [Int32], from before: [Int32]) -> Double {
        guard !now.isEmpty else { return 0 }
        let table = ContingencyTable(now, before)
        // Ties in order of appearance.
        let pairs = table.cells.sorted {
            ($1.count, $0.row, $0.column) < ($0.count, $1.row, $1.column)
        }
        var isMatched = (
            now: [Bool](repeating: false, count: table.rowSizes.count),
            before: [Bool](repeating: false, count: table.columnSizes.count)
        )
        var stayed = 0
        for pair in pairs where !isMatched.now[pair.row] && !isMatched.before[pair.column] {
            isMatched.now[pair.row] = true
            isMatched.before[pair.column] = true
            stayed += pair.count
        }
        return 1 - Double(stayed) / Double(table.total)
    }
}
