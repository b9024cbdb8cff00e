public import Files
import Foundation
import GRDB

extension ImageCatalog {
    /// The picture with an id.
    public func image(id: Int64) async throws -> ImageRecord? {
        try await read { try Self.images("WHERE i.id = ?", [id], $0).first }
    }

    /// The picture at an absolute path.
    public func image(path: FilePath) async throws -> ImageRecord? {
        try await read { try Self.images("WHERE i.path = ?", [path.data], $0).first }
    }

    /// Pictures after an id, in the order of ids; `state` keeps those in it.
    public func images(
        after id: Int64 = 0, limit: Int, state: ImageState? = nil
    ) async throws -> [ImageRecord] {
        try await read { db in
            if let state {
                try Self.images(
                    "WHERE i.id > ? AND i.state = ? ORDER BY i.id LIMIT ?",
                    [id, state.rawValue, limit], db)
            } else {
                try Self.images("WHERE i.id > ? ORDER BY i.id LIMIT ?", [id, limit], db)
            }
        }
    }

    /// The neighbours of a picture under the active model, nearest first, of the 20 stored.
    public func neighbours(of image: Int64, limit: Int = 20) async throws -> [SimilarImage] {
        try await read { db in
            let found = try Row.fetchAll(
                db,
                sql: """
                    SELECT neighbour, similarity FROM active_neighbours
                    WHERE image = ? ORDER BY rank LIMIT ?
                    """, arguments: [image, limit]
            ).map { Neighbour(image: $0[0], similarity: Float($0[1] as Double)) }
            return try Self.similarImages(found, db)
        }
    }

    /// The pictures of neighbours found by `nearest(to:count:excluding:)`, in their order.
    public func images(_ neighbours: [Neighbour]) async throws -> [SimilarImage] {
        try await read { try Self.similarImages(neighbours, $0) }
    }

    /// The state of the index as a whole.
    public func status() async throws -> CatalogStatus {
        let loaded = search?.model
        return try await read { db in
            var models = try Row.fetchAll(
                db, sql: "SELECT id, sha256, dimension, active FROM models"
            ).map { ModelRecord(id: $0[0], sha256: $0[1], dimension: $0[2], active: $0[3]) }
            let active = models.firstIndex { $0.active }.map { models.remove(at: $0) }
            let next = models.first { $0.id == loaded?.id }
            let done = try next.map { model in
                try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM embeddings WHERE model = ?",
                    arguments: [model.id]) ?? 0
            }
            return CatalogStatus(
                counts: try Self.counts(db), roots: try Self.roots(db), activeModel: active,
                nextModel: next, nextModelIndexed: done ?? 0,
                lastEvent: try Int64.fetchOne(db, sql: "SELECT max(seq) FROM events") ?? 0)
        }
    }

    /// How many pictures there are, by state.
    public func counts() async throws -> CatalogCounts {
        try await read { try Self.counts($0) }
    }

    private static func counts(_ db: Database) throws -> CatalogCounts {
        var counts = CatalogCounts()
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT i.state, r.online, count(*) FROM images i JOIN roots r ON r.id = i.root
                GROUP BY i.state, r.online
                """)
        for row in rows {
            let (online, count): (Bool, Int) = (row[1], row[2])
            counts.total += count
            if !online { counts.offline += count }
            switch ImageState(rawValue: row[0]) {
            case .pending: if online { counts.pending += count }
            case .indexed: counts.indexed += count
            case .failed: counts.failed += count
            case nil: break
            }
        }
        return counts
    }

    private static func similarImages(
        _ neighbours: [Neighbour], _ db: Database
    ) throws -> [SimilarImage] {
        try neighbours.compactMap { neighbour in
            try images("WHERE i.id = ?", [neighbour.image], db).first.map {
                SimilarImage(image: $0, similarity: neighbour.similarity)
            }
        }
    }

    /// Pictures with their folder's state and their cluster in the clustering that answers.
    static func images(
        _ clause: String, _ arguments: StatementArguments, _ db: Database
    ) throws -> [ImageRecord] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT i.id, i.root, i.path, i.device, i.inode, i.size, i.mtime_ns, i.sha256,
                    i.width, i.height, i.state, i.error, i.first_seen, i.indexed_at, r.online,
                    a.cluster, a.distance, a.second, a.margin
                FROM images i JOIN roots r ON r.id = i.root
                LEFT JOIN assignments a ON a.image = i.id AND a.clustering = (
                    SELECT g.id FROM clusterings g JOIN models m ON m.id = g.model
                    WHERE m.active = 1 AND g.active = 1)
                \(clause)
                """)
        return try Row.fetchAll(statement, arguments: arguments).map { row in
            ImageRecord(
                id: row[0], root: row[1], path: FilePath(row[2] as Data),
                identity: identity(row, at: 3), sha256: row[7], width: row[8], height: row[9],
                state: ImageState(rawValue: row[10]) ?? .pending, error: row[11],
                firstSeen: row[12], indexedAt: row[13], online: row[14],
                assignment: assignment(row, at: 15))
        }
    }

    static func assignment(_ row: Row, at index: Int) -> Assignment? {
        guard let cluster: Int = row[index] else { return nil }
        return Assignment(
            cluster: cluster, distance: Float(row[index + 1] as Double), second: row[index + 2],
            margin: (row[index + 3] as Double?).map { Float($0) })
    }
}
