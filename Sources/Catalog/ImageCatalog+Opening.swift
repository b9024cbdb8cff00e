import Foundation
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
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            guard errno == ENOENT else { throw .system(call: "stat", path: path, errno: errno) }
            return
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .notAnIndex(path: path, reason: "it is not a regular file")
        }
        guard status.st_size > 0 else { return }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(call: "open", path: path, errno: errno) }
        defer { Foundation.close(descriptor) }
        var header = [UInt8](repeating: 0, count: 72)
        let count = unsafe pread(descriptor, &header, header.count, 0)
        guard count == header.count, header.starts(with: "SQLite format 3\0".utf8) else {
            throw .notAnIndex(path: path, reason: "it is not an SQLite database")
        }
        // A database whose first transaction was never checkpointed has no id yet; `Schema`
        // looks at its tables.
        let id = header[68..<72].reduce(0) { $0 << 8 | Int($1) }
        guard id == Schema.applicationID || id == 0 else {
            throw .notAnIndex(path: path, reason: "it is an SQLite database of another program")
        }
    }

    /// Renames a damaged index and its companions, and returns the new name.
    private static func setAside(_ path: String) throws(CatalogError) -> String {
        var number = 1
        while unsafe access("\(path).damaged-\(number)", F_OK) == 0 { number += 1 }
        let aside = "\(path).damaged-\(number)"
        for suffix in ["", "-wal", "-shm"] {
            guard unsafe Foundation.rename(path + suffix, aside + suffix) != 0, errno != ENOENT
            else {
                continue
            }
            throw .system(call: "rename", path: path + suffix, errno: errno)
        }
        return aside
    }

    /// Refuses NFS and SMB: SQLite's write-ahead log needs shared memory of one machine.
    ///
    /// The kind is read from the line of `/proc/self/mountinfo` with the folder's device; a file
    /// system that hides its device there (btrfs) is a local one.
    static func requireLocalFileSystem(_ path: String) throws(CatalogError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        var status = stat()
        guard unsafe stat(folder.isEmpty ? "/" : folder, &status) == 0 else {
            throw .system(call: "stat", path: folder, errno: errno)
        }
        // The packing of Linux's dev_t, see makedev(3).
        let packed = UInt64(status.st_dev)
        let major = (packed >> 8) & 0xFFF | (packed >> 32) & ~0xFFF
        let minor = packed & 0xFF | (packed >> 12) & 0xFFFF_FF00
        let device = "\(major):\(minor)"
        let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 2, fields[2] == device,
                let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count
            else { continue }
            let kind = String(fields[dash + 1])
            if ["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs"].contains(kind) {
                throw .networkFileSystem(path: path, kind: kind)
            }
        }
    }
}

extension DatabaseError {
    fileprivate var isDamage: Bool {
        resultCode == .SQLITE_CORRUPT || resultCode == .SQLITE_NOTADB
    }
}
