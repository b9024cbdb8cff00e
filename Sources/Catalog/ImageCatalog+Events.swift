import Files
import Foundation
import GRDB

extension ImageCatalog {
    /// Events kept; older ones are dropped.
    static let eventsKept: Int64 = 100_000

    /// The events after a number, oldest first.
    ///
    /// A gap before the first one means that those in between were dropped.
    public func events(after sequence: Int64, limit: Int) async throws -> [EventRecord] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT seq, at, kind, image, path, detail FROM events
                    WHERE seq > ? ORDER BY seq LIMIT ?
                    """,
                arguments: [sequence, limit]
            ).compactMap { row in
                EventKind(rawValue: row[2]).map {
                    EventRecord(
                        sequence: row[0], at: row[1], kind: $0, image: row[3],
                        path: (row[4] as Data?).map { FilePath($0) }, detail: row[5])
                }
            }
        }
    }

    /// A stream with an element after each write, for those who follow `events(after:limit:)`.
    public func changes() -> AsyncStream<Void> { events.stream() }

    /// Adds an event to the history.
    static func record(
        _ kind: EventKind, image: Int64? = nil, path: Data? = nil, detail: String? = nil,
        _ db: Database
    ) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO events (at, kind, image, path, detail) VALUES (?, ?, ?, ?, ?)")
        try statement.execute(arguments: [now(), kind.rawValue, image, path, detail])
        let sequence = db.lastInsertedRowID
        if sequence % 1000 == 0 { try dropOldEvents(db) }
    }

    /// Keeps the newest events only.
    static func dropOldEvents(_ db: Database) throws {
        try db.execute(
            sql: "DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?",
            arguments: [eventsKept])
    }

    /// The time in Unix milliseconds.
    static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
