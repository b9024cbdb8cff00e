import Foundation
import Kernels
import Synchronization

/// A fixed set of threads that share out the numbered tasks of one job after another.
///
/// The thread that asks works along. Jobs follow each other within microseconds while a network
/// runs, and waking a thread takes longer than a small layer, so for a moment after a job the
/// others look out for the next one; then they sleep in the kernel, so that an idle plan costs
/// nothing. Running a job allocates nothing.
package final class Crew<Job: Sendable>: Sendable {
    /// The number of threads, the caller's included.
    package let threads: Int
    private let shared: Shared

    /// What is to be done.
    private struct Shift: Sendable {
        var job: Job?
        var tasks = 0
        var isOver = false
    }

    private final class Shared: Sendable {
        let workers: Int
        let perform: @Sendable (_ job: Job, _ task: Int, _ worker: Int) -> Void
        /// Written while nobody works, read by all from when `number` has changed until they are
        /// finished.
        ///
        /// So no lock is needed, which they would all want at the same moment.
        nonisolated(unsafe) var shift = Shift()
        /// The number of the shift.
        let number = Counter()
        let unfinished = Counter()
        /// How many of the tasks that are a worker's own have been taken.
        let taken: [Counter]
        let begin: [Bell]
        let end = Bell()

        init(workers: Int, perform: @escaping @Sendable (Job, Int, Int) -> Void) {
            self.workers = workers
            self.perform = perform
            begin = (1..<workers).map { _ in Bell() }
            taken = (0..<workers).map { _ in Counter() }
        }

        /// Does the tasks that are this worker's own, then what the others have left.
        ///
        /// From job to job a worker has the same share of the tasks, so it mostly reads what it
        /// wrote itself and has in its own cache.
        func work(_ job: Job, tasks: Int, as worker: Int) {
            for offset in 0..<workers {
                let owner = (worker + offset) % workers
                let own = tasks * owner / workers..<tasks * (owner + 1) / workers
                while true {
                    let index = taken[owner].count.add(1, ordering: .relaxed).oldValue
                    guard index < own.count else { break }
                    perform(job, own.lowerBound + index, worker)
                }
            }
        }

        func serve(as worker: Int) {
            var served = 0
            while true {
                begin[worker - 1].wait { number.count.load(ordering: .acquiring) != served }
                served += 1
                let shift = unsafe shift
                guard !shift.isOver else { return }
                if let job = shift.job { work(job, tasks: shift.tasks, as: worker) }
                let left = unfinished.count.subtract(1, ordering: .acquiringAndReleasing).newValue
                if left == 0 { end.ring() }
            }
        }

        /// Begins a shift and wakes the workers that sleep; the last one is finished.
        func announce(_ shift: Shift) {
            for taken in taken { taken.count.store(0, ordering: .relaxed) }
            unfinished.count.store(workers - 1, ordering: .relaxed)
            unsafe self.shift = shift
            number.count.add(1, ordering: .releasing)
            for bell in begin { bell.ring() }
        }
    }

    /// Starts `threads − 1` threads beside the caller's.
    ///
    /// - Parameters:
    ///   - threads: At least 1.
    ///   - perform: Does one task of a job; the last number says which of the threads it is on,
    ///     from 0.
    package init(
        threads: Int, perform: @escaping @Sendable (_ job: Job, _ task: Int, _ worker: Int) -> Void
    ) {
        self.threads = threads
        let shared = Shared(workers: threads, perform: perform)
        self.shared = shared
        for worker in 1..<threads {
            let thread = Thread { shared.serve(as: worker) }
            thread.name = "inference \(worker)"
            thread.start()
        }
    }

    deinit {
        shared.announce(Shift(isOver: true))
    }

    /// Performs the tasks `0..<tasks` of `job` and returns when all are done.
    ///
    /// One call at a time.
    package func run(_ job: Job, tasks: Int) {
        guard threads > 1, tasks > 1 else {
            for task in 0..<tasks { shared.perform(job, task, 0) }
            return
        }
        shared.announce(Shift(job: job, tasks: tasks))
        shared.work(job, tasks: tasks, as: 0)
        shared.end.wait { shared.unfinished.count.load(ordering: .acquiring) == 0 }
    }
}

/// A number that threads change, in cache lines of its own: what one changes is not taken out of
/// the cache of another that waits for something else.
private final class Counter: Sendable {
    let count = Atomic(0)
    private let apart = InlineArray<16, Int>(repeating: 0)
}

/// Something that one thread waits for: first by looking, then asleep.
final class Bell: Sendable {
    /// How many nanoseconds to look before sleeping: more than the parts of a layer take, and than
    /// it takes to wake up.
    private static let patience: UInt64 = 100_000
    /// How often to look before the clock is read; a look takes 10 to 50 nanoseconds.
    private static let looks = 50

    private let isAwaited = Atomic(false)
    private let semaphore = DispatchSemaphore(value: 0)

    /// Returns once `condition` holds, which whoever makes it hold follows with `ring`.
    func wait(until condition: () -> Bool) {
        while true {
            // Most waits are over before the clock is read.
            if Self.comesTrue(condition) { return }
            let end = DispatchTime.now().uptimeNanoseconds + Self.patience
            while DispatchTime.now().uptimeNanoseconds < end {
                if Self.comesTrue(condition) { return }
            }
            isAwaited.store(true, ordering: .sequentiallyConsistent)
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            // What has come true in between may have found nobody waiting. If it found someone,
            // there is a signal to take.
            if condition() {
                let isUnrung = isAwaited.exchange(false, ordering: .sequentiallyConsistent)
                if !isUnrung { semaphore.wait() }
                return
            }
            semaphore.wait()
        }
    }

    /// Looks a few times.
    private static func comesTrue(_ condition: () -> Bool) -> Bool {
        for _ in 0..<looks {
            if condition() { return true }
            spinHint()
        }
        return false
    }

    /// Wakes the thread that waits, if one is asleep.
    func ring() {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if isAwaited.exchange(false, ordering: .sequentiallyConsistent) { semaphore.signal() }
    }
}
