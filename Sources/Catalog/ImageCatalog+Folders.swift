public import Files
import Foundation
import GRDB

extension ImageCatalog {
    /// Makes the watched folders those at `paths`: new ones are added, and the pictures of those
    /// not named any more leave the index.
    ///
    /// The paths are absolute, none inside another.
    @discardableResult
    public func setRoots(_ paths: [FilePath]) async throws -> [RootRecord] {
        try await transaction(durable: true) { db, loaded in
            let wanted = Set(paths)
            for root in try Self.roots(db) where !wanted.contains(root.path) {
                let images = try Int64.fetchAll(
                    db, sql: "SELECT id FROM images WHERE root = ?", arguments: [root.id])
                try Self.remove(images, &loaded, db)
                try db.execute(sql: "DELETE FROM roots WHERE id = ?", arguments: [root.id])
            }
            for path in paths {
                try db.execute(
                    sql: "INSERT INTO roots (path) VALUES (?) ON CONFLICT (path) DO NOTHING",
                    arguments: [path.data])
            }
            return try Self.roots(db)
        }
    }

    /// The watched folders, in the order of their ids.
    public func roots() async throws -> [RootRecord] {
        try await read { try Self.roots($0) }
    }

    /// Notes that a folder is there, and which one it is.
    public func setOnline(root: Int64, device: UInt64, inode: UInt64) async throws {
        try await transaction(durable: true) { db, _ in
            let path = try Data.fetchOne(
                db, sql: "SELECT path FROM roots WHERE id = ? AND online = 0", arguments: [root])
            try db.execute(
                sql: "UPDATE roots SET online = 1, device = ?, inode = ? WHERE id = ?",
                arguments: [Int64(bitPattern: device), Int64(bitPattern: inode), root])
            if let path { try Self.record(.rootOnline, path: path, db) }
        }
    }

    /// Notes that a folder is gone; its pictures stay as they are.
    public func setOffline(root: Int64) async throws {
        try await transaction(durable: true) { db, _ in
            guard
                let path = try Data.fetchOne(
                    db, sql: "SELECT path FROM roots WHERE id = ? AND online = 1",
                    arguments: [root])
            else { return }
            try db.execute(sql: "UPDATE roots SET online = 0 WHERE id = ?", arguments: [root])
            try Self.record(.rootOffline, path: path, db)
        }
    }

    /// Notes that a folder was compared with the index in full just now.
    public func setReconciled(root: Int64) async throws {
        try await transaction { db, _ in
            try db.execute(
                sql: "UPDATE roots SET reconciled_at = ? WHERE id = ?",
                arguments: [Self.now(), root])
        }
    }

    static func roots(_ db: Database) throws -> [RootRecord] {
        try Row.fetchAll(
            db, sql: "SELECT id, path, device, inode, online, reconciled_at FROM roots ORDER BY id"
        ).map { row in
            RootRecord(
                id: row[0], path: FilePath(row[1] as Data),
                device: (row[2] as Int64?).map { UInt64(bitPattern: $0) },
                inode: (row[3] as Int64?).map { UInt64(bitPattern: $0) },
                online: row[4], reconciledAt: row[5])
        }
    }
}
