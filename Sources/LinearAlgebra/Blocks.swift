private import Dispatch
private import Foundation
private import Synchronization

/// A loop over blocks of a fixed size, shared among threads.
///
/// The size of the blocks never depends on the number of threads, so neither does any result
/// that is computed block by block.
package enum Blocks {
    private static let chosenThreads = Atomic<Int>(0)

    /// The most threads that share a loop: the processors this process may use, unless set.
    package static var threads: Int {
        get {
            let chosen = chosenThreads.load(ordering: .relaxed)
            return chosen > 0 ? chosen : max(1, ProcessInfo.processInfo.activeProcessorCount)
        }
        set {
            precondition(newValue > 0, "\(newValue) threads")
            chosenThreads.store(newValue, ordering: .relaxed)
        }
    }

    /// Runs `body` once for each block of `count` items, on several threads at the same time.
    ///
    /// - Parameters:
    ///   - count: The number of items.
    ///   - size: The number of items in a block, the last one excepted; one or more.
    ///   - body: Works on the items of one block, and on nothing that another block writes.
    package static func forEach(of count: Int, size: Int, _ body: (Range<Int>) -> Void) {
        let blocks = (count + size - 1) / size
        let workers = min(threads, blocks)
        guard workers > 1 else {
            for first in stride(from: 0, to: count, by: size) {
                body(first..<min(count, first + size))
            }
            return
        }
        let next = Atomic<Int>(0)
        withoutActuallyEscaping(body) { body in
            // All blocks end before this returns, and each writes to memory of its own.
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: workers) { _ in
                while true {
                    let block = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard block < blocks else { return }
                    unsafe body(block * size..<min(count, (block + 1) * size))
                }
            }
        }
    }
}
