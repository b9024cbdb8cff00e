/// When to look through everything again after the kernel has dropped events: soon, but not again and
/// again.
///
/// Times are nanoseconds of a monotonic clock.
package struct OverflowBackOff {
    /// How often the kernel dropped events.
    package private(set) var count = 0
    /// When to look through everything; `nil` where nothing was dropped since.
    package private(set) var deadline: Int64?

    private var recent = 0
    private var last: Int64 = 0

    /// Nothing was dropped yet.
    package init() {}

    /// Events were dropped.
    package mutating func note(now: Int64) {
        count += 1
        recent = now - last > 60_000_000_000 ? 1 : recent + 1
        last = now
        if deadline != nil { return }
        // As watchman does since 2026: three at once, then 100 ms, 200 ms … 10 s.
        let steps = min(max(recent - 4, 0), 7)
        let backOff = min(Int64(100_000_000) << Int64(steps), 10_000_000_000)
        deadline = now + (recent <= 3 ? 0 : backOff)
    }

    /// Whether it is time; if so, that is done with.
    package mutating func isDue(now: Int64) -> Bool {
        guard let time = deadline, time <= now else { return false }
        deadline = nil
        return true
    }
}
