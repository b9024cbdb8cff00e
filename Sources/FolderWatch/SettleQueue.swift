package import Files

/// Files that are waited for until they are quiet, by the time at which to look at them again.
///
/// Times are nanoseconds of a monotonic clock.
package struct SettleQueue {
    /// What is known of a file.
    package struct Entry: Equatable {
        package var deadline: Int64
        package var delay: Int64
        /// What it was when it was scheduled.
        package var identity: FileIdentity?
    }

    private struct Turn {
        let deadline: Int64
        let path: FilePath
    }

    private var entries: [FilePath: Entry] = [:]
    private var heap: [Turn] = []  // a binary heap; turns that are overtaken are skipped

    /// A queue without files.
    package init() {}

    package func contains(_ path: FilePath) -> Bool { entries[path] != nil }

    /// When to look next, if there is anything to look at.
    package var nextDeadline: Int64? { heap.first?.deadline }

    /// Looks at `path` again after `delay`, whatever was agreed before.
    package mutating func schedule(
        _ path: FilePath, after delay: Int64, identity: FileIdentity?, now: Int64
    ) {
        entries[path] = Entry(deadline: now + delay, delay: delay, identity: identity)
        push(Turn(deadline: now + delay, path: path))
    }

    package mutating func cancel(_ path: FilePath) {
        entries[path] = nil
    }

    package mutating func cancelBelow(_ folder: FilePath) {
        for path in entries.keys where path.isBelow(folder) { entries[path] = nil }
    }

    /// Follows the renaming of a file, or of a folder with what is in it.
    package mutating func rename(_ former: FilePath, to path: FilePath) {
        let moved = entries.filter { $0.key.isAtOrBelow(former) }
        for (old, entry) in moved {
            entries[old] = nil
            let new = old.moved(from: former, to: path)
            entries[new] = entry
            push(Turn(deadline: entry.deadline, path: new))
        }
    }

    /// Takes out the next file whose time has come.
    package mutating func popDue(now: Int64) -> (path: FilePath, entry: Entry)? {
        while let turn = heap.first, turn.deadline <= now {
            pop()
            guard let entry = entries[turn.path], entry.deadline == turn.deadline else { continue }
            entries[turn.path] = nil
            return (turn.path, entry)
        }
        return nil
    }

    private mutating func push(_ turn: Turn) {
        heap.append(turn)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent].deadline <= heap[child].deadline { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].deadline < heap[least].deadline { least = child }
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
