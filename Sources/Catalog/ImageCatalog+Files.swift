public import Files
import Foundation
import GRDB

/// A file as a walk or a watch found it.
public struct FoundFile: Sendable, Equatable {
    /// The absolute path, as bytes.
    public var path: FilePath
    /// What `stat` said of it.
    public var identity: FileIdentity

    /// A file found at `path`.
    public init(path: FilePath, identity: FileIdentity) {
        (self.path, self.identity) = (path, identity)
    }
}

/// What the index knew of a file.
public enum Registration: Sendable, Hashable {
    /// The picture is known and untouched.
    case unchanged(Int64)
    /// The picture is known, the file was touched: it is pending now.
    case changed(Int64)
    /// The file is new: it is pending now.
    case added(Int64)
    /// The file is known not to be a picture, by the row of that number.
    case skipped(Int64)
}

/// A picture that the index has, as a full comparison with its folder needs it.
public struct StoredFile: Sendable, Equatable {
    /// The picture's id.
    public let id: Int64
    /// The absolute path, as bytes.
    public let path: FilePath
    /// What `stat` said of it.
    public let identity: FileIdentity
    /// The SHA-256 of the content, once it was read.
    public let sha256: String?
}

extension ImageCatalog {
    /// Tells the index of files that are there: new and touched ones become pending.
    ///
    /// With `retryingUnreadable`, pictures that could not even be read (permissions, input and
    /// output errors) become pending too; those that were read are tried again only when the
    /// file changes. The answers are in the order of `files`.
    public func register(
        _ files: [FoundFile], root: Int64, retryingUnreadable: Bool = true
    ) async throws -> [Registration] {
        try await transaction { db, _ in
            try files.map {
                try Self.register($0, root: root, retryingUnreadable: retryingUnreadable, db)
            }
        }
    }

    private static func register(
        _ file: FoundFile, root: Int64, retryingUnreadable: Bool, _ db: Database
    ) throws -> Registration {
        let path = file.path.data
        let known = try db.cachedStatement(
            sql: """
                SELECT id, device, inode, size, mtime_ns, state, sha256, root FROM images
                WHERE path = ?
                """)
        if let row = try Row.fetchOne(known, arguments: [path]) {
            let id: Int64 = row[0]
            let identity = identity(row, at: 1)
            let isUnread = row[5] == ImageState.failed.rawValue && (row[6] as String?) == nil
            if identity.isUnchanged(from: file.identity), !(isUnread && retryingUnreadable) {
                if identity.device != file.identity.device || row[7] != root {
                    try setIdentity(file.identity, image: id, root: root, db)
                }
                return .unchanged(id)
            }
            try setIdentity(file.identity, image: id, root: root, db)
            try db.execute(
                sql: "UPDATE images SET state = 'pending' WHERE id = ?", arguments: [id])
            return .changed(id)
        }
        let skipped = try db.cachedStatement(
            sql: "SELECT rowid, device, inode, size, mtime_ns FROM skipped WHERE path = ?")
        if let row = try Row.fetchOne(skipped, arguments: [path]) {
            let number: Int64 = row[0]
            if identity(row, at: 1).isUnchanged(from: file.identity) { return .skipped(number) }
            try db.execute(sql: "DELETE FROM skipped WHERE rowid = ?", arguments: [number])
        }
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO images (root, path, device, inode, size, mtime_ns, first_seen)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """)
        try insert.execute(
            arguments: [root, path] + arguments(file.identity) + [now()])
        return .added(db.lastInsertedRowID)
    }

    /// The pictures of a folder after an id, in the order of ids.
    public func storedFiles(
        root: Int64, after id: Int64, limit: Int
    ) async throws -> [StoredFile] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id, path, device, inode, size, mtime_ns, sha256 FROM images
                    WHERE root = ? AND id > ? ORDER BY id LIMIT ?
                    """, arguments: [root, id, limit]
            ).map(Self.storedFile)
        }
    }

    /// New pictures, not read yet, that may be `file` at another path: the same inode, size and
    /// time, or, since a move to another disk keeps neither, the same size alone.
    public func arrivals(like file: StoredFile, anyInode: Bool) async throws -> [StoredFile] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id, path, device, inode, size, mtime_ns, sha256 FROM images
                    WHERE state = 'pending' AND sha256 IS NULL AND id <> ? AND size = ?
                    AND (? OR (inode = ? AND mtime_ns = ?)) ORDER BY id LIMIT 8
                    """,
                arguments: [
                    file.id, file.identity.size, anyInode,
                    Int64(bitPattern: file.identity.inode), file.identity.modified,
                ]
            ).map(Self.storedFile)
        }
    }

    /// Follows a picture to another path; a picture that was there before is removed.
    ///
    /// Nothing happens if `image` is not in the index any more. With `verifying` it is pending
    /// afterwards, so that its content is compared; it keeps its embedding meanwhile, and for good
    /// if the content is the same.
    public func move(
        image: Int64, to path: FilePath, root: Int64, identity: FileIdentity,
        verifying: Bool = false
    ) async throws {
        try await transaction { db, loaded in
            let target = path.data
            guard
                let former = try Data.fetchOne(
                    db, sql: "SELECT path FROM images WHERE id = ?", arguments: [image]),
                former != target
            else { return }
            let replaced = try Int64.fetchAll(
                db, sql: "SELECT id FROM images WHERE path = ?", arguments: [target])
            try Self.remove(replaced, announced: false, &loaded, db)
            try db.execute(sql: "DELETE FROM skipped WHERE path = ?", arguments: [target])
            try db.execute(
                sql: "UPDATE images SET path = ? WHERE id = ?", arguments: [target, image])
            try Self.setIdentity(identity, image: image, root: root, db)
            if verifying {
                try db.execute(
                    sql: "UPDATE images SET state = 'pending' WHERE id = ?", arguments: [image])
            }
            try Self.record(
                .moved, image: image, path: target,
                detail: String(decoding: former, as: UTF8.self), db)
        }
    }

    /// Follows all pictures of a folder that was renamed; those that the index had under the new
    /// name are removed.
    ///
    /// - Returns: How many pictures moved.
    @discardableResult
    public func moveTree(
        from former: FilePath, to path: FilePath, root: Int64
    ) async throws -> Int {
        try await transaction { db, loaded in
            let replaced = try Self.images(below: path, db)
            try Self.remove(replaced, &loaded, db)
            let skippedBelow = "DELETE FROM skipped WHERE path > ? AND path < ?"
            for folder in [former, path] {
                try db.execute(sql: skippedBelow, arguments: Self.range(below: folder))
            }
            let moved = try Row.fetchAll(
                db, sql: "SELECT id, path FROM images WHERE path > ? AND path < ?",
                arguments: Self.range(below: former))
            let update = try db.cachedStatement(
                sql: "UPDATE images SET path = ?, root = ? WHERE id = ?")
            for row in moved {
                let (id, old): (Int64, FilePath) = (row[0], FilePath(row[1] as Data))
                let new = old.moved(from: former, to: path).data
                try update.execute(arguments: [new, root, id])
                try Self.record(
                    .moved, image: id, path: new, detail: old.description, db)
            }
            return moved.count
        }
    }

    /// Removes pictures with their embeddings, and repairs the neighbour lists.
    public func remove(_ images: [Int64]) async throws {
        guard !images.isEmpty else { return }
        try await transaction { db, loaded in try Self.remove(images, &loaded, db) }
    }

    /// Removes what the index has at paths: pictures, or all below folders.
    ///
    /// - Returns: How many pictures were removed.
    @discardableResult
    public func remove(paths: [FilePath]) async throws -> Int {
        try await transaction { db, loaded in
            var images: Set<Int64> = []
            for path in paths {
                let exact = try Int64.fetchAll(
                    db, sql: "SELECT id FROM images WHERE path = ?", arguments: [path.data])
                images.formUnion(exact)
                images.formUnion(try Self.images(below: path, db))
                try db.execute(sql: "DELETE FROM skipped WHERE path = ?", arguments: [path.data])
                try db.execute(
                    sql: "DELETE FROM skipped WHERE path > ? AND path < ?",
                    arguments: Self.range(below: path))
            }
            try Self.remove(images.sorted(), &loaded, db)
            return images.count
        }
    }

    /// Forgets the files of a folder that are no pictures, except those still there.
    public func forgetSkipped(root: Int64, except seen: Set<Int64>) async throws {
        try await transaction { db, _ in
            let known = try Int64.fetchAll(
                db, sql: "SELECT rowid FROM skipped WHERE root = ?", arguments: [root])
            for row in known where !seen.contains(row) {
                try db.execute(sql: "DELETE FROM skipped WHERE rowid = ?", arguments: [row])
            }
        }
    }

    static func remove(
        _ images: [Int64], announced: Bool = true, _ loaded: inout LoadedModel?, _ db: Database
    ) throws {
        guard !images.isEmpty else { return }
        if let model = loaded?.model.id,
            let changes = loaded?.lists.update(removing: Set(images), adding: [])
        {
            try write(changes, model: model, db)
        }
        for image in images {
            if announced,
                let path = try Data.fetchOne(
                    db, sql: "SELECT path FROM images WHERE id = ?", arguments: [image])
            {
                try record(.removed, image: image, path: path, db)
            }
            try db.execute(sql: "DELETE FROM images WHERE id = ?", arguments: [image])
        }
    }

    private static func images(below folder: FilePath, _ db: Database) throws -> [Int64] {
        try Int64.fetchAll(
            db, sql: "SELECT id FROM images WHERE path > ? AND path < ?",
            arguments: range(below: folder))
    }

    /// The paths that begin with `folder/`: between `folder/` and `folder0`, since `0` is the
    /// byte after `/`.
    private static func range(below folder: FilePath) -> StatementArguments {
        [Data(folder.bytes + [FilePath.separator]), Data(folder.bytes + [FilePath.separator + 1])]
    }

    static func setIdentity(
        _ identity: FileIdentity, image: Int64, root: Int64, _ db: Database
    ) throws {
        let statement = try db.cachedStatement(
            sql: """
                UPDATE images SET device = ?, inode = ?, size = ?, mtime_ns = ?, root = ?
                WHERE id = ?
                """)
        try statement.execute(arguments: arguments(identity) + [root, image])
    }

    static func arguments(_ identity: FileIdentity) -> StatementArguments {
        [
            Int64(bitPattern: identity.device), Int64(bitPattern: identity.inode), identity.size,
            identity.modified,
        ]
    }

    static func identity(_ row: Row, at index: Int) -> FileIdentity {
        FileIdentity(
            device: UInt64(bitPattern: row[index]), inode: UInt64(bitPattern: row[index + 1]),
            size: row[index + 2], modified: row[index + 3])
    }

    private static func storedFile(_ row: Row) -> StoredFile {
        StoredFile(
            id: row[0], path: FilePath(row[1] as Data), identity: identity(row, at: 2),
            sha256: row[6])
    }
}
