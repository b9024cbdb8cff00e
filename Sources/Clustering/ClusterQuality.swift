private import Foundation

/// How well two labelings of the same items agree, whatever the labels are called.
///
/// Logarithms are natural. Two labelings of no items agree fully, as in scikit-learn.
///
/// Sources: Strehl and Ghosh, "Cluster Ensembles", JMLR 2002 (NMI); Vinh, Epps and Bailey,
/// "Information Theoretic Measures for Clusterings Comparison", JMLR 2010 (AMI); Hubert and
/// Arabie, "Comparing Partitions", 1985 (ARI). The special cases are those of scikit-learn.
public enum ClusterQuality {
    /// What the mutual information is divided by, of the two entropies.
    public enum Average: Sendable {
        /// The square root of their product, as in the DeepCluster paper.
        case geometric
        /// Half of their sum, the default of scikit-learn since 0.22.
        case arithmetic
    }

    /// The mutual information as a share of the average entropy, from 0 to 1.
    ///
    /// 1 when both labelings put all items together, 0 when only one does.
    ///
    /// - Parameters:
    ///   - a: A label for each item.
    ///   - b: Another label for each item, as many.
    ///   - average: What to divide by.
    /// - Returns: From 0 to 1.
    public static func normalizedMutualInformation(
        _ a: [some Hashable], _ b: [some Hashable], average: Average
    ) -> Double {
        let table = ContingencyTable(a, b)
        if table.rowSizes.count <= 1, table.columnSizes.count <= 1 { return 1 }
        let information = table.mutualInformation
        guard information > 0 else { return 0 }
        let (rows, columns) = (table.rowEntropy, table.columnEntropy)
        switch average {
        case .geometric: return information / (rows * columns).squareRoot()
        case .arithmetic: return information / ((rows + columns) / 2)
        }
    }

    /// The mutual information above that of chance, as a share of what there is to gain.
    ///
    /// `(I − E) / (H − E)` with the arithmetic mean H of the entropies and the expectation E over
    /// all labelings with the same sizes: about 0 for unrelated labelings however many labels
    /// there are, 1 for equal ones. Unlike NMI it does not grow with the number of clusters.
    ///
    /// - Parameters:
    ///   - a: A label for each item.
    ///   - b: Another label for each item, as many.
    /// - Returns: At most 1; below 0 when the agreement is worse than by chance.
    /// - Complexity: O(n) memory and at most O(n·√n) time, since only distinct pairs of sizes
    ///   are summed.
    public static func adjustedMutualInformation(
        _ a: [some Hashable], _ b: [some Hashable]
    ) -> Double {
        let table = ContingencyTable(a, b)
        if table.rowSizes.count <= 1, table.columnSizes.count <= 1 { return 1 }
        if table.rowSizes.count == 1 || table.columnSizes.count == 1 { return 0 }
        let expected = table.expectedMutualInformation
        return awayFromZero(table.mutualInformation - expected)
            / awayFromZero((table.rowEntropy + table.columnEntropy) / 2 - expected)
    }

    /// The share of pairs on which the labelings agree, adjusted for chance.
    ///
    /// - Parameters:
    ///   - a: A label for each item.
    ///   - b: Another label for each item, as many.
    /// - Returns: At most 1; below 0 when the agreement is worse than by chance.
    public static func adjustedRandIndex(_ a: [some Hashable], _ b: [some Hashable]) -> Double {
        let table = ContingencyTable(a, b)
        func pairs(_ sizes: [Int]) -> Double {
            sizes.reduce(0) { $0 + Double($1) * Double($1 - 1) / 2 }
        }
        let together = pairs(table.cells.map(\.count))
        let (inRows, inColumns) = (pairs(table.rowSizes), pairs(table.columnSizes))
        if together == inRows, together == inColumns { return 1 }
        let expected = inRows * inColumns / pairs([table.total])
        return (together - expected) / ((inRows + inColumns) / 2 - expected)
    }

    /// The share of items whose label is the commonest one of their cluster.
    ///
    /// - Parameters:
    ///   - clusters: The cluster of each item.
    ///   - labels: The label of each item, as many.
    /// - Returns: Above 0, up to 1.
    public static func purity(clusters: [some Hashable], labels: [some Hashable]) -> Double {
        let table = ContingencyTable(clusters, labels)
        guard table.total > 0 else { return 1 }
        var largest = [Int](repeating: 0, count: table.rowSizes.count)
        for cell in table.cells { largest[cell.row] = max(largest[cell.row], cell.count) }
        return Double(largest.reduce(0, +)) / Double(table.total)
    }

    /// The value, or the least step of its sign where rounding left less: equal labelings of
    /// singletons have 0/0, which counts as 1.
    private static func awayFromZero(_ value: Double) -> Double {
        value < 0 ? min(value, -.ulpOfOne) : max(value, .ulpOfOne)
    }
}
