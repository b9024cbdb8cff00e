/// The matching of clusters with labels, one with one at most, on which most pictures agree.
///
/// Source: Kuhn, "The Hungarian Method for the Assignment Problem", 1955, with shortest
/// augmenting paths and potentials (Jonker and Volgenant, 1987).
package enum LabelMatching {
    /// The share of pictures whose cluster is matched with their label.
    ///
    /// Where there are more clusters than labels, those left over count as wrong, and the other
    /// way about: the figure is meant for as many clusters as labels.
    ///
    /// - Parameters:
    ///   - clusters: The cluster of each picture.
    ///   - labels: The label of each picture, as many.
    /// - Returns: From 0 to 1; 1 for no pictures.
    package static func accuracy(clusters: [Int32], labels: [Int]) -> Double {
        precondition(clusters.count == labels.count, "\(clusters.count) and \(labels.count)")
        guard !clusters.isEmpty else { return 1 }
        let (rows, columns) = (Self.numbers(of: clusters), Self.numbers(of: labels))
        // The assignment wants no more rows than columns.
        let isTurned = rows.count > columns.count
        var weights = [[Int]](
            repeating: [Int](repeating: 0, count: max(rows.count, columns.count)),
            count: min(rows.count, columns.count))
        for (cluster, label) in zip(clusters, labels) {
            let (row, column) = (rows[cluster]!, columns[label]!)
            if isTurned { weights[column][row] += 1 } else { weights[row][column] += 1 }
        }
        let total = zip(weights, assignment(maximizing: weights)).reduce(0) { $0 + $1.0[$1.1] }
        return Double(total) / Double(clusters.count)
    }

    private static func numbers<Value: Hashable & Comparable>(of values: [Value]) -> [Value: Int] {
        let distinct = Set(values).sorted()
        return Dictionary(uniqueKeysWithValues: zip(distinct, distinct.indices))
    }

    /// The columns, one for each row and none twice, whose weights have the largest sum.
    ///
    /// - Parameter weights: Rows of equal length, no more of them than there are columns.
    /// - Returns: The column of each row.
    /// - Complexity: O(rows² · columns).
    package static func assignment(maximizing weights: [[Int]]) -> [Int] {
        guard let columns = weights.first?.count else { return [] }
        precondition(weights.count <= columns, "\(weights.count) rows, \(columns) columns")
        // Column `columns` is where a search begins; no row is −1.
        var (rowPotential, columnPotential) = (
            [Int](repeating: 0, count: weights.count), [Int](repeating: 0, count: columns + 1)
        )
        var rowOfColumn = [Int](repeating: -1, count: columns + 1)
        for row in weights.indices {
            var slack = [Int](repeating: .max, count: columns)
            var cameFrom = [Int](repeating: columns, count: columns)
            var visited: [Int] = []
            var isVisited = [Bool](repeating: false, count: columns + 1)
            var current = columns
            rowOfColumn[columns] = row
            while rowOfColumn[current] >= 0 {
                isVisited[current] = true
                visited.append(current)
                let from = rowOfColumn[current]
                var (least, next) = (Int.max, columns)
                for column in 0..<columns where !isVisited[column] {
                    let cost =
                        -weights[from][column] - rowPotential[from] - columnPotential[column]
                    if cost < slack[column] { (slack[column], cameFrom[column]) = (cost, current) }
                    if slack[column] < least { (least, next) = (slack[column], column) }
                }
                for column in visited {
                    rowPotential[rowOfColumn[column]] += least
                    columnPotential[column] -= least
                }
                for column in 0..<columns where !isVisited[column] { slack[column] -= least }
                current = next
            }
            // Backwards along the path, each column takes the row of the one before it.
            while current != columns {
                rowOfColumn[current] = rowOfColumn[cameFrom[current]]
                current = cameFrom[current]
            }
        }
        var result = [Int](repeating: 0, count: weights.count)
        for (column, row) in rowOfColumn.dropLast().enumerated() where row >= 0 {
            result[row] = column
        }
        return result
    }
}
