import Glibc
import NIOPosix

/// One thread that runs blocking work, in order.
///
/// On Linux priority belongs to a thread and is inherited by those that it starts. An
/// `InferencePlan` that is made and run on a thread of low priority leaves the processor to
/// everyone else, queries of this daemon included.
package struct WorkThread: Sendable {
    private let pool: NIOThreadPool

    /// Starts the thread, with `niceness` (0 to 19) added to its nice value.
    package init(niceness: CInt = 0) {
        pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        if niceness > 0 {
            pool.submit { _ in
                // Zero is the calling thread, and anyone may give way.
                _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
            }
        }
    }

    /// Runs work on the thread and waits for it.
    ///
    /// - Throws: What the work throws, or `CancellationError` once the thread is stopped.
    package func run<Result: Sendable>(
        _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await pool.runIfActive(work)
    }

    /// Ends the thread after the work at hand.
    package func stop() async {
        try? await pool.shutdownGracefully()
    }
}
