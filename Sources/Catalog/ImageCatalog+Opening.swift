import Files
import GRDB

extension ImageCatalog {
    /// Opens the database with its tables; a damaged one is set aside first.
    static func openPool(
        _ path: String
    ) throws(CatalogError) -> (pool: DatabasePool, setAside: String?) {
        try requireOurs(path)
        do {
            do {
                return (try checkedPool(path), nil)
            } catch let error as DatabaseError where error.isDamage {
                let aside = try setAside(path)
                return (try checkedPool(path), aside)
            }
        } catch let error as DatabaseError {
            throw CatalogError(error, path: path)
        } catch let error as CatalogError {
            throw error
        } catch {
            throw .database(path: path, message: "\(error)")
        }
    }

    private static func checkedPool(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "catalog"
        configuration.maximumReaderCount = 4
        // Someone's `sqlite3` may hold a lock for a moment, as at the end of recovery.
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            // After a burst the log is cut to this; SQLite itself would keep its largest size.
            try db.execute(sql: "PRAGMA journal_size_limit = 4194304")
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        do {
            try pool.writeWithoutTransaction { db in
                let verdict = try String.fetchOne(db, sql: "PRAGMA quick_check(1)")
                guard verdict == "ok" else {
                    throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict)
                }
                try Schema.prepare(db, path: path)
            }
        } catch {
            try? pool.close()
            throw error
        }
        return pool
    }

    /// Refuses a file that is not an index of ours, before SQLite touches it.
    ///
    /// The application id stands at byte 68 of a database's header, so damage behind it does not hide whose it is.
    private static func requireOurs(_ path: String) throws(CatalogError) {
        let (status, header): (FileStatus, [UInt8])
        do throws(SystemCallError) {
            let file = try OpenFile(reading: FilePath(path))
            status = try file.status()
            header = status.kind == .regular ? try file.bytes(count: headerBytes) : []
        } catch {
            if error.isAbsence { return }
            throw .system(error)
        }
        guard status.kind == .regular else {
            throw .notAnIndex(path: path, reason: "it is not a regular file")
        }
        guard status.identity.size > 0 else { return }
        guard header.count == headerBytes, header.starts(with: "SQLite format 3\0".utf8) else {
            throw .notAnIndex(path: path, reason: "it is not an SQLite database")
        }
        // A database whose first transaction was never checkpointed has no id yet; `Schema`
        // looks at its tables.
        let id = header[68..<72].reduce(0) { $0 << 8 | Int($1) }
        guard id == Schema.applicationID || id == 0 else {
            throw .notAnIndex(path: path, reason: "it is an SQLite database of another program")
        }
    }

    /// The part of a database's header that ends with the application id.
    private static let headerBytes = 72

    /// Renames a damaged index and its companions, and returns the new name.
    private static func setAside(_ path: String) throws(CatalogError) -> String {
        var number = 1
        while FileStatus.exists(at: "\(path).damaged-\(number)") { number += 1 }
        let aside = "\(path).damaged-\(number)"
        for suffix in ["", "-wal", "-shm"] {
            do throws(SystemCallError) {
                try DurableFile.move("\(path)\(suffix)", to: "\(aside)\(suffix)")
            } catch {
                guard error.isAbsence else { throw .system(error) }
            }
        }
        return aside
    }

    /// Refuses network file systems: SQLite's write-ahead log needs shared memory of one machine.
    static func requireLocalFileSystem(_ path: String) throws(CatalogError) {
        let folder: FileStatus
        do throws(SystemCallError) {
            folder = try FileStatus(of: FilePath(path).parent, followingLinks: true)
        } catch { throw .system(error) }
        if let kind = MountTable().networkFileSystem(device: folder.identity.device) {
            throw .networkFileSystem(path: path, kind: kind)
        }
    }
}

extension DatabaseError {
    fileprivate var isDamage: Bool {
        resultCode == .SQLITE_CORRUPT || resultCode == .SQLITE_NOTADB
    }
}
