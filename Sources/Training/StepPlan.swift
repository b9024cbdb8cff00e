/// Splits an epoch's picture numbers into steps of nearly equal size.
///
/// A last step of a few pictures would give batch norm useless statistics, so the sizes
/// differ by at most one.
package enum StepPlan {
    /// The number of steps of at most `batch` items each.
    package static func count(items: Int, batch: Int) -> Int {
        (items + batch - 1) / batch
    }

    /// The items of each step, in order.
    package static func split<Item>(_ items: [Item], batch: Int) -> [[Item]] {
        let steps = count(items: items.count, batch: batch)
        return (0..<steps).map { step in
            Array(items[items.count * step / steps..<items.count * (step + 1) / steps])
        }
    }
}
