private import Dispatch
private import Foundation

/// A fixed number of threads that share a loop.
///
/// Every thread has a fixed share of the work and sums are joined in the order of the shares,
/// so results depend on the number of threads but never on their timing.
package struct ThreadTeam: Sendable {
    /// The number of shares a loop is split into.
    let threads: Int

    /// The processors this process may use.
    package static var available: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

    /// The share of `count` items that belongs to `shard`; it begins at a multiple of `unit`.
    func share(of count: Int, shard: Int, unit: Int = 1) -> Range<Int> {
        let units = (count + unit - 1) / unit
        let lower = units * shard / threads * unit
        let upper = units * (shard + 1) / threads * unit
        return min(lower, count)..<min(upper, count)
    }

    /// The shards whose share of `count` items is not empty.
    func shards(of count: Int, unit: Int = 1) -> [Int] {
        (0..<threads).filter { !share(of: count, shard: $0, unit: unit).isEmpty }
    }

    /// Runs `body` once for each share that is not empty, all at the same time.
    func forEachShare(of count: Int, unit: Int = 1, _ body: (_ shard: Int, Range<Int>) -> Void) {
        guard threads > 1 else {
            if count > 0 { body(0, 0..<count) }
            return
        }
        withoutActuallyEscaping(body) { body in
            // All shards end before this returns, and each writes to memory of its own.
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: threads) { shard in
                let range = share(of: count, shard: shard, unit: unit)
                if !range.isEmpty { unsafe body(shard, range) }
            }
        }
    }
}
