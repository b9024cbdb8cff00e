import Foundation
import Synchronization

/// A fixed set of threads that share out the numbered tasks of one job after another.
///
/// The thread that asks works along; the others sleep in the kernel between jobs, so that an
/// idle plan costs nothing. Running a job allocates nothing.
package final class Crew<Job: Sendable>: Sendable {
    /// The number of threads, the caller's included.
    package let threads: Int
    private let shared: Shared

    private struct Shift: Sendable {
        var job: Job?
        var tasks = 0
        var isOver = false
    }

    private final class Shared: Sendable {
        let perform: @Sendable (_ job: Job, _ task: Int, _ worker: Int) -> Void
        let shift = Mutex(Shift())
        let next = Atomic(0)
        let begin: [DispatchSemaphore]
        let end = DispatchSemaphore(value: 0)

        init(workers: Int, perform: @escaping @Sendable (Job, Int, Int) -> Void) {
            self.perform = perform
            begin = (0..<workers).map { _ in DispatchSemaphore(value: 0) }
        }

        /// Takes tasks until none is left; which thread does which is left to chance.
        func work(_ job: Job, tasks: Int, as worker: Int) {
            while true {
                let task = next.add(1, ordering: .relaxed).oldValue
                guard task < tasks else { return }
                perform(job, task, worker)
            }
        }

        func serve(as worker: Int) {
            while true {
                begin[worker].wait()
                let shift = shift.withLock { $0 }
                guard !shift.isOver, let job = shift.job else { return }
                work(job, tasks: shift.tasks, as: worker + 1)
                end.signal()
            }
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
        shared.shift.withLock { $0.isOver = true }
        for worker in shared.begin { worker.signal() }
    }

    /// Performs the tasks `0..<tasks` of `job` and returns when all are done.
    ///
    /// One call at a time.
    package func run(_ job: Job, tasks: Int) {
        let workers = min(threads, tasks) - 1
        guard workers > 0 else {
            for task in 0..<tasks { shared.perform(job, task, 0) }
            return
        }
        shared.shift.withLock {
            $0.job = job
            $0.tasks = tasks
        }
        shared.next.store(0, ordering: .relaxed)
        for worker in 0..<workers { shared.begin[worker].signal() }
        shared.work(job, tasks: tasks, as: 0)
        for _ in 0..<workers { shared.end.wait() }
    }
}
