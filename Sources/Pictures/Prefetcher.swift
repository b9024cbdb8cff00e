private import Dispatch
private import Synchronization

/// Items made ahead of their use by background threads, handed out in order.
///
/// At most `depth` items are under way or waiting at any time, which bounds the memory. Each
/// item depends on its index alone, so the timing of the threads decides nothing.
public final class Prefetcher<Item: Sendable> {
    private let count: Int
    private let produce: @Sendable (Int) -> Item
    private let queue = DispatchQueue(
        label: "deepcluster.prefetch", qos: .userInitiated, attributes: .concurrent)
    private var slots: [Slot] = []
    private var started: Int
    private var taken: Int

    /// Starts making the items of `range`.
    ///
    /// - Parameters:
    ///   - range: The indices to make, in this order.
    ///   - depth: How many items may be ahead of the consumer, one or more.
    ///   - produce: Makes one item; called on several threads at once.
    package init(
        _ range: Range<Int>, depth: Int, produce: @escaping @Sendable (Int) -> Item
    ) {
        precondition(depth > 0, "a prefetcher of depth \(depth)")
        self.count = range.upperBound
        self.produce = produce
        started = range.lowerBound
        taken = range.lowerBound
        for _ in 0..<depth { startNext() }
    }

    /// The next item, or `nil` after the last; waits until it is made.
    public func next() -> Item? {
        guard taken < count else { return nil }
        let slot = slots.removeFirst()
        taken += 1
        let item = slot.take()
        startNext()
        return item
    }

    private func startNext() {
        guard started < count else { return }
        let slot = Slot()
        slots.append(slot)
        queue.async { [produce, started] in slot.put(produce(started)) }
        started += 1
    }

    /// The place where one item arrives.
    private final class Slot: Sendable {
        private let item = Mutex<Item?>(nil)
        private let ready = DispatchSemaphore(value: 0)

        func put(_ value: Item) {
            item.withLock { $0 = value }
            ready.signal()
        }

        func take() -> Item {
            ready.wait()
            return item.withLock { value in
                defer { value = nil }
                guard let value else { preconditionFailure("an item was taken twice") }
                return value
            }
        }
    }
}
