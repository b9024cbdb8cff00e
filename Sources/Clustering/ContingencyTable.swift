private import Foundation

/// How often each pair of labels of two labelings comes together.
struct ContingencyTable {
    /// The pairs that occur.
    let cells: [(row: Int, column: Int, count: Int)]
    /// How many items have each label of the first labeling, in order of appearance.
    let rowSizes: [Int]
    /// How many items have each label of the second labeling, in order of appearance.
    let columnSizes: [Int]
    /// The number of items.
    let total: Int

    init<A: Hashable, B: Hashable>(_ a: [A], _ b: [B]) {
        precondition(a.count == b.count, "\(a.count) labels against \(b.count)")
        let (rows, rowSizes) = Self.numbered(a)
        let (columns, columnSizes) = Self.numbered(b)
        let (_, pairs, counts) = Self.counted(
            zip(rows, columns).map { $0 * columnSizes.count + $1 })
        cells = zip(pairs, counts).map { pair, count in
            (pair / columnSizes.count, pair % columnSizes.count, count)
        }
        (self.rowSizes, self.columnSizes, total) = (rowSizes, columnSizes, a.count)
    }

    /// Each label's number in order of appearance, and the items of each number.
    private static func numbered<L: Hashable>(_ labels: [L]) -> (numbers: [Int], sizes: [Int]) {
        let (numbers, _, counts) = counted(labels)
        return (numbers, counts)
    }

    /// Numbers the distinct values in order of appearance, whatever the hash seed.
    private static func counted<L: Hashable>(
        _ labels: [L]
    ) -> (numbers: [Int], values: [L], counts: [Int]) {
        var known: [L: Int] = [:]
        var (numbers, values, counts): ([Int], [L], [Int]) = ([], [], [])
        numbers.reserveCapacity(labels.count)
        for label in labels {
            let number = known[label, default: counts.count]
            if number == counts.count {
                known[label] = number
                values.append(label)
                counts.append(0)
            }
            counts[number] += 1
            numbers.append(number)
        }
        return (numbers, values, counts)
    }

    /// The entropy of the first labeling.
    var rowEntropy: Double { entropy(rowSizes) }

    /// The entropy of the second labeling.
    var columnEntropy: Double { entropy(columnSizes) }

    private func entropy(_ sizes: [Int]) -> Double {
        sizes.reduce(0) { sum, size in
            let share = Double(size) / Double(total)
            return sum - share * log(share)
        }
    }

    /// The mutual information, zero or more.
    var mutualInformation: Double {
        let n = Double(total)
        let sum = cells.reduce(0.0) { sum, cell in
            let count = Double(cell.count)
            let expected = Double(rowSizes[cell.row]) * Double(columnSizes[cell.column])
            return sum + count / n * log(n * count / expected)
        }
        // Independent labelings leave a rounding error of either sign.
        return abs(sum) < .ulpOfOne ? 0 : max(0, sum)
    }
}

extension ContingencyTable {
    /// The mutual information expected of labelings with these sizes drawn at random.
    ///
    /// Sums over the hypergeometric distribution of each cell. Labels of equal size have equal
    /// terms, and n items have at most about √(2n) distinct sizes, so each distinct pair of
    /// sizes is summed once.
    var expectedMutualInformation: Double {
        let logFactorials = Self.logFactorials(upTo: total)
        let (rows, columns) = (Self.tally(rowSizes), Self.tally(columnSizes))
        return rows.reduce(0) { sum, row in
            columns.reduce(sum) { sum, column in
                sum + Double(row.labels) * Double(column.labels)
                    * expectedTerm(row.size, column.size, logFactorials)
            }
        }
    }

    /// The expectation for one pair of labels with the sizes `a` and `b`:
    /// `Σ p(x) · x/n · log(n·x / (a·b))` over their possible overlaps x.
    private func expectedTerm(_ a: Int, _ b: Int, _ logFactorials: [Double]) -> Double {
        let n = total
        let product = Double(a) * Double(b)
        let fixed =
            logFactorials[a] + logFactorials[b] + logFactorials[n - a] + logFactorials[n - b]
            - logFactorials[n]
        return (max(1, a + b - n)...min(a, b)).reduce(0) { sum, overlap in
            let varying =
                logFactorials[overlap] + logFactorials[a - overlap] + logFactorials[b - overlap]
                + logFactorials[n - a - b + overlap]
            let share = Double(overlap) / Double(n)
            return sum + share * log(Double(n) * Double(overlap) / product) * exp(fixed - varying)
        }
    }

    /// The distinct sizes, ascending, with the number of labels of each.
    private static func tally(_ sizes: [Int]) -> [(size: Int, labels: Int)] {
        sizes.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            .sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// log 0!, log 1! and so on, summed with the rounding errors carried along.
    private static func logFactorials(upTo count: Int) -> [Double] {
        var (sum, carried) = (0.0, 0.0)
        var table = [0.0]
        table.reserveCapacity(count + 1)
        for number in stride(from: 1, through: count, by: 1) {
            let term = log(Double(number)) - carried
            let next = sum + term
            (carried, sum) = ((next - sum) - term, next)
            table.append(sum)
        }
        return table
    }
}
