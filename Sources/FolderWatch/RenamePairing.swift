package import Files

/// Renames whose second half was not read yet.
///
/// The kernel queues both halves at once, so only a full read buffer can part them; a file that
/// settles at the old path does so later.
///
/// Times are nanoseconds of a monotonic clock.
package struct RenamePairing {
    /// The first half of a rename.
    package struct Departure: Equatable {
        package let path: FilePath
        package let isFolder: Bool
        /// The folder's own watch.
        package let watch: Int32?

        /// The first half of a rename.
        package init(path: FilePath, isFolder: Bool, watch: Int32?) {
            (self.path, self.isFolder, self.watch) = (path, isFolder, watch)
        }
    }

    /// How long the second half is waited for.
    private static let patience: Int64 = 20_000_000

    private var waiting: [UInt32: (departure: Departure, deadline: Int64)] = [:]

    /// Nothing was renamed yet.
    package init() {}

    /// When to look next, if there is anything to look at.
    package var nextDeadline: Int64? { waiting.values.map(\.deadline).min() }

    /// Keeps the first half of the rename that the kernel gave this number.
    package mutating func depart(_ departure: Departure, cookie: UInt32, now: Int64) {
        waiting[cookie] = (departure, now + Self.patience)
    }

    /// The first half that belongs to a second one.
    package mutating func arrive(cookie: UInt32) -> Departure? {
        waiting.removeValue(forKey: cookie)?.departure
    }

    /// Takes out what did not turn up again in time: it lies outside of the roots now.
    package mutating func takeOverdue(now: Int64) -> [Departure] {
        let overdue = waiting.filter { $0.value.deadline <= now }
        for cookie in overdue.keys { waiting[cookie] = nil }
        return overdue.values.sorted { $0.deadline < $1.deadline }.map(\.departure)
    }
}
