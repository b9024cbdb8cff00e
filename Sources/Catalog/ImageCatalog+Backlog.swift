public import Files
import Foundation
import GRDB

/// A picture that waits for an embedding of the loaded model.
public struct PendingImage: Sendable, Equatable {
    /// The picture's id.
    public let id: Int64
    /// The absolute path, as bytes.
    public let path: FilePath
    /// What `stat` said when it was found.
    public let identity: FileIdentity
    /// The SHA-256 of the content as it was last read.
    public let sha256: String?
    /// Why that content could not be decoded, if it could not.
    public let error: String?
    /// Whether the loaded model's embedding of that content is there.
    public let hasEmbedding: Bool
}

/// A picture as the model saw it.
public struct EmbeddedImage: Sendable, Equatable {
    /// The width of the upright picture in pixels.
    public var width: Int
    /// The height of the upright picture in pixels.
    public var height: Int
    /// The unit vector.
    public var vector: [Float]
    /// Its cluster.
    public var assignment: Assignment

    /// A picture with these properties.
    public init(width: Int, height: Int, vector: [Float], assignment: Assignment) {
        (self.width, self.height) = (width, height)
        (self.vector, self.assignment) = (vector, assignment)
    }
}

/// What became of a pending picture.
public struct ImageResult: Sendable, Equatable {
    /// What was found out.
    public enum Verdict: Sendable, Equatable {
        /// It was decoded and embedded.
        case embedded(EmbeddedImage)
        /// Its content is what the index has already: only the file was touched.
        case sameContent
        /// It cannot be decoded, or, without a digest, not even read.
        case failed(reason: String)
        /// It is no picture and was not meant to be one.
        case notAPicture
    }

    /// The picture's id.
    public var image: Int64
    /// What `stat` said of the file that was read.
    public var identity: FileIdentity
    /// The SHA-256 of the content, if it was read.
    public var sha256: String?
    /// What was found out.
    public var verdict: Verdict

    /// A result with these properties.
    public init(image: Int64, identity: FileIdentity, sha256: String?, verdict: Verdict) {
        (self.image, self.identity) = (image, identity)
        (self.sha256, self.verdict) = (sha256, verdict)
    }
}

extension ImageCatalog {
    /// The pictures after an id that wait for the loaded model, in the order of ids; those of
    /// folders that are not there are left out.
    public func pending(after id: Int64, limit: Int) async throws -> [PendingImage] {
        guard let model = search?.model else { throw CatalogError.noModel }
        return try await read { try Self.pending(model, after: id, limit: limit, $0) }
    }

    /// The loaded model's embedding of another picture with the same content, if there is one.
    public func embedding(ofContent sha256: String) async throws -> EmbeddedImage? {
        guard let model = search?.model else { throw CatalogError.noModel }
        return try await read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT i.width, i.height, e.vector, a.cluster, a.distance, a.second, a.margin
                    FROM images i JOIN embeddings e ON e.image = i.id AND e.model = ?
                    JOIN clusterings g ON g.model = e.model AND g.active = 1
                    JOIN assignments a ON a.image = i.id AND a.clustering = g.id
                    WHERE i.sha256 = ? AND i.state = 'indexed' AND i.width IS NOT NULL LIMIT 1
                    """, arguments: [model.id, sha256])
            guard let row,
                let vector = VectorBytes.decode(row[2], dimension: model.dimension),
                let assignment = Self.assignment(row, at: 3)
            else { return nil }
            return EmbeddedImage(
                width: row[0], height: row[1], vector: vector, assignment: assignment)
        }
    }

    /// Stores what became of pending pictures, in one transaction.
    ///
    /// A result is dropped if its picture is gone, or if the file was touched since it was read:
    /// then the picture is still pending.
    public func store(_ results: [ImageResult]) async throws {
        guard !results.isEmpty else { return }
        try await transaction { db, loaded in
            guard let model = loaded?.model, let clustering = loaded?.clustering else {
                throw CatalogError.noModel
            }
            var stale: Set<Int64> = []
            var fresh: [(image: Int64, vector: [Float])] = []
            for result in results {
                guard let file = try Self.target(of: result, db) else { continue }
                switch result.verdict {
                case .embedded(let embedded):
                    try Self.check(embedded.vector, result.image, model)
                    // Of the same content, what another model said stays true.
                    let others = file.sha256 != result.sha256
                    try Self.dropEmbeddings(of: result.image, model.id, others: others, db)
                    try Self.insert(embedded, result, model.id, clustering, db)
                    try Self.record(.indexed, image: result.image, path: file.path, db)
                    stale.insert(result.image)
                    fresh.removeAll { $0.image == result.image }
                    fresh.append((result.image, embedded.vector))
                case .sameContent:
                    try Self.restoreState(of: result.image, db)
                case .failed(let reason):
                    try Self.dropEmbeddings(of: result.image, model.id, others: true, db)
                    try Self.setFailed(result, reason, db)
                    if file.error != reason || file.sha256 != result.sha256 {
                        try Self.record(
                            .failed, image: result.image, path: file.path, detail: reason, db)
                    }
                    stale.insert(result.image)
                case .notAPicture:
                    try Self.skip(result, file, db)
                    stale.insert(result.image)
                }
            }
            if let changes = loaded?.lists.update(removing: stale, adding: fresh) {
                try Self.write(changes, model: model.id, db)
            }
        }
    }

    static func pending(
        _ model: ModelRecord, after id: Int64, limit: Int, _ db: Database
    ) throws -> [PendingImage] {
        // Only while a model is being built do indexed pictures lack its embeddings.
        let lacking =
            model.active
            ? ""
            : """
            OR (i.state = 'indexed' AND NOT EXISTS (
                SELECT 1 FROM embeddings e WHERE e.image = i.id AND e.model = :model))
            """
        return try Row.fetchAll(
            db,
            sql: """
                SELECT i.id, i.path, i.device, i.inode, i.size, i.mtime_ns, i.sha256, i.error,
                    EXISTS (SELECT 1 FROM embeddings e WHERE e.image = i.id AND e.model = :model)
                FROM images i JOIN roots r ON r.id = i.root
                WHERE i.id > :after AND r.online = 1 AND (i.state = 'pending' \(lacking))
                ORDER BY i.id LIMIT :limit
                """, arguments: ["model": model.id, "after": id, "limit": limit]
        ).map { row in
            PendingImage(
                id: row[0], path: FilePath(row[1] as Data), identity: identity(row, at: 2),
                sha256: row[6], error: row[7], hasEmbedding: row[8])
        }
    }

    /// The picture that a result is about, if it is still that file.
    private static func target(
        of result: ImageResult, _ db: Database
    ) throws -> (path: Data, sha256: String?, error: String?)? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT path, sha256, error, device, inode, size, mtime_ns FROM images WHERE id = ?
                """)
        guard let row = try Row.fetchOne(statement, arguments: [result.image]),
            identity(row, at: 3).isUnchanged(from: result.identity)
        else { return nil }
        return (row[0], row[1], row[2])
    }

    private static func check(_ vector: [Float], _ image: Int64, _ model: ModelRecord) throws {
        guard vector.count == model.dimension, vector.allSatisfy({ $0.isFinite }) else {
            throw CatalogError.invalidVector(
                image: image, count: vector.count, dimension: model.dimension)
        }
    }

    /// Drops what a model, or every model, said of a picture.
    private static func dropEmbeddings(
        of image: Int64, _ model: Int64, others: Bool, _ db: Database
    ) throws {
        let statements = [
            "DELETE FROM embeddings WHERE image = ? AND (model = ? OR ?)",
            "DELETE FROM neighbours WHERE image = ? AND (model = ? OR ?)",
            """
            DELETE FROM assignments WHERE image = ? AND (? OR clustering IN (
                SELECT id FROM clusterings WHERE model = ?))
            """,
        ]
        for (number, sql) in statements.enumerated() {
            let arguments: StatementArguments =
                number < 2 ? [image, model, others] : [image, others, model]
            try db.cachedStatement(sql: sql).execute(arguments: arguments)
        }
    }

    private static func insert(
        _ embedded: EmbeddedImage, _ result: ImageResult, _ model: Int64, _ clustering: Int64,
        _ db: Database
    ) throws {
        try db.cachedStatement(
            sql: """
                UPDATE images SET state = 'indexed', error = NULL, sha256 = ?, width = ?,
                height = ?, indexed_at = ? WHERE id = ?
                """
        ).execute(arguments: [
            result.sha256, embedded.width, embedded.height, now(), result.image,
        ])
        try db.cachedStatement(
            sql: "INSERT INTO embeddings (image, model, vector) VALUES (?, ?, ?)"
        ).execute(arguments: [result.image, model, VectorBytes.encode(embedded.vector)])
        let assignment = embedded.assignment
        try db.cachedStatement(
            sql: """
                INSERT INTO assignments (image, clustering, cluster, distance, second, margin)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            result.image, clustering, assignment.cluster, Double(assignment.distance),
            assignment.second, assignment.margin.map { Double($0) },
        ])
    }

    /// Undoes what registering a touched file did.
    private static func restoreState(of image: Int64, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                UPDATE images SET state = CASE WHEN error IS NULL THEN 'indexed' ELSE 'failed' END
                WHERE id = ? AND state = 'pending'
                """
        ).execute(arguments: [image])
    }

    private static func setFailed(
        _ result: ImageResult, _ reason: String, _ db: Database
    ) throws {
        try db.cachedStatement(
            sql: """
                UPDATE images SET state = 'failed', error = ?, sha256 = ?, width = NULL,
                height = NULL, indexed_at = NULL WHERE id = ?
                """
        ).execute(arguments: [reason, result.sha256, result.image])
    }

    /// Turns a picture's row into one of a file that is none.
    ///
    /// That a picture was there once is told as a removal.
    private static func skip(
        _ result: ImageResult, _ file: (path: Data, sha256: String?, error: String?),
        _ db: Database
    ) throws {
        if file.sha256 != nil { try record(.removed, image: result.image, path: file.path, db) }
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO skipped (path, root, device, inode, size, mtime_ns)
                SELECT path, root, device, inode, size, mtime_ns FROM images WHERE id = ?
                """
        ).execute(arguments: [result.image])
        try db.execute(sql: "DELETE FROM images WHERE id = ?", arguments: [result.image])
    }
}
