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

    /// How many of the tasks that are a worker's own have been taken.
    private final class Taken: Sendable {
        let count = Atomic(0)
    }

    /// What is to be done, by whom.
    private struct Shift: Sendable {
        var number = 0
        var job: Job?
        var tasks = 0
        var workers = 0
        var isOver = false
    }

    private final class Shared: Sendable {
        let perform: @Sendable (_ job: Job, _ task: Int, _ worker: Int) -> Void
        let shift = Mutex(Shift())
        /// The number of the shift, to look out for without the lock.
        let number = Atomic(0)
        let taken: [Taken]
        let unfinished = Atomic(0)
        let begin: [Bell]
        let end = Bell()

        init(workers: Int, perform: @escaping @Sendable (Job, Int, Int) -> Void) {
            self.perform = perform
            begin = (0..<workers).map { _ in Bell() }
            taken = (0...workers).map { _ in Taken() }
        }

        /// Does the tasks that are this worker's own, then what the others have left.
        ///
        /// From job to job a worker has the same share of the tasks, so it mostly reads what it
        /// wrote itself and has in its own cache.
        func work(_ job: Job, tasks: Int, sharedBy workers: Int, as worker: Int) {
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
                begin[worker].wait { number.load(ordering: .acquiring) != served }
                let shift = shift.withLock { $0 }
                served = shift.number
                guard !shift.isOver else { return }
                // A shift that needs fewer workers may have passed by in the meantime.
                guard worker + 1 < shift.workers, let job = shift.job else { continue }
                work(job, tasks: shift.tasks, sharedBy: shift.workers, as: worker + 1)
                if unfinished.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                    end.ring()
                }
            }
        }

        /// Begins a shift and wakes the workers that sleep.
        func announce(_ change: (inout Shift) -> Void) {
            shift.withLock {
                change(&$0)
                $0.number += 1
                number.store($0.number, ordering: .releasing)
            }
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
        let shared = Shared(workers: threads - 1, perform: perform)
        self.shared = shared
        for worker in 0..<threads - 1 {
            let thread = Thread { shared.serve(as: worker) }
            thread.name = "inference \(worker + 1)"
            thread.start()
        }
    }

    deinit {
        shared.announce { $0.isOver = true }
    }

    /// Performs the tasks `0..<tasks` of `job` and returns when all are done.
    ///
    /// One call at a time.
    package func run(_ job: Job, tasks: Int) {
        let workers = min(threads, tasks)
        guard workers > 1 else {
            for task in 0..<tasks { shared.perform(job, task, 0) }
            return
        }
        for taken in shared.taken { taken.count.store(0, ordering: .relaxed) }
        shared.unfinished.store(workers - 1, ordering: .relaxed)
        shared.announce {
            $0.job = job
            $0.tasks = tasks
            $0.workers = workers
        }
        shared.work(job, tasks: tasks, sharedBy: workers, as: 0)
        shared.end.wait { shared.unfinished.load(ordering: .acquiring) == 0 }
    }
}

/// Something that one thread waits for: first by looking, then asleep.
final class Bell: Sendable {
    /// How often to look before sleeping, some tens of microseconds.
    private static let looks = 1000

    private let isAwaited = Atomic(false)
    private let semaphore = DispatchSemaphore(value: 0)

    /// Returns once `condition` holds, which whoever makes it hold follows with `ring`.
    func wait(until condition: () -> Bool) {
        while true {
            for _ in 0..<Self.looks {
                if condition() { return }
                spinHint()
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

    /// Wakes the thread that waits, if one is asleep.
    func ring() {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if isAwaited.exchange(false, ordering: .sequentiallyConsistent) { semaphore.signal() }
    }
}
