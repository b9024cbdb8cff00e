import Foundation
import GRDB

extension ImageCatalog {
    /// Makes `model` the one that new embeddings belong to, and reads those that it has.
    ///
    /// In an index without a model it is active at once. Otherwise the active model goes on
    /// answering until `finishModelChange()`, and a third model's unfinished rows are dropped.
    /// Going back to the active model drops the unfinished one.
    @discardableResult
    public func use(_ model: ModelDescription) async throws -> ModelRecord {
        try await transaction(durable: true) { db, loaded in
            let record = try Self.modelRow(model, db)
            try db.execute(
                sql: "DELETE FROM models WHERE active = 0 AND id <> ?", arguments: [record.id])
            loaded = try Self.load(record, db)
            let repaired = loaded?.lists.repair() ?? []
            try Self.write(repaired, model: record.id, db)
            return record
        }
    }

    /// Lets the loaded model answer, if no picture that can be read lacks its embedding.
    ///
    /// The rows of the former one are dropped. Pictures of offline folders will wait as pending.
    ///
    /// - Returns: Whether the change took place now.
    public func finishModelChange() async throws -> Bool {
        try await transaction(durable: true) { db, loaded in
            guard let model = loaded?.model, !model.active,
                try Self.pending(model, after: 0, limit: 1, db).isEmpty
            else { return false }
            try db.execute(sql: "DELETE FROM models WHERE id <> ?", arguments: [model.id])
            try db.execute(sql: "UPDATE models SET active = 1 WHERE id = ?", arguments: [model.id])
            try db.execute(
                sql: """
                    UPDATE images SET state = 'pending' WHERE state = 'indexed'
                    AND id NOT IN (SELECT image FROM embeddings WHERE model = ?)
                    """, arguments: [model.id])
            loaded?.model = ModelRecord(
                id: model.id, sha256: model.sha256, dimension: model.dimension, active: true)
            try Self.record(.modelChanged, detail: model.sha256, db)
            return true
        }
    }

    /// The models, active and unfinished.
    public func models() async throws -> [ModelRecord] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT id, sha256, dimension, active FROM models ORDER BY id"
            ).map { ModelRecord(id: $0[0], sha256: $0[1], dimension: $0[2], active: $0[3]) }
        }
    }

    private static func modelRow(
        _ model: ModelDescription, _ db: Database
    ) throws -> ModelRecord {
        if let row = try Row.fetchOne(
            db, sql: "SELECT id, dimension, active FROM models WHERE sha256 = ?",
            arguments: [model.sha256])
        {
            let known: Int = row[1]
            guard known == model.dimension else {
                throw CatalogError.dimensionChanged(
                    sha256: model.sha256, known: known, found: model.dimension)
            }
            return ModelRecord(
                id: row[0], sha256: model.sha256, dimension: known, active: row[2])
        }
        let isFirst = try Int.fetchOne(db, sql: "SELECT count(*) FROM models WHERE active = 1") == 0
        try db.execute(
            sql: "INSERT INTO models (sha256, dimension, active) VALUES (?, ?, ?)",
            arguments: [model.sha256, model.dimension, isFirst])
        let id = db.lastInsertedRowID
        try insertClustering(model, model: id, db)
        return ModelRecord(
            id: id, sha256: model.sha256, dimension: model.dimension, active: isFirst)
    }

    private static func insertClustering(
        _ model: ModelDescription, model id: Int64, _ db: Database
    ) throws {
        try db.execute(
            sql: "INSERT INTO clusterings (model, active, created_at) VALUES (?, 1, ?)",
            arguments: [id, now()])
        let clustering = db.lastInsertedRowID
        for cluster in 0..<model.clusters {
            let first = cluster * model.dimension
            let centroid = model.centroids[first..<first + model.dimension]
            try db.execute(
                sql: "INSERT INTO clusters (clustering, id, centroid) VALUES (?, ?, ?)",
                arguments: [clustering, cluster, VectorBytes.encode(centroid)])
        }
    }

    /// Reads a model's embeddings and lists into memory.
    static func load(_ model: ModelRecord, _ db: Database) throws -> LoadedModel {
        let clustering =
            try Int64.fetchOne(
                db, sql: "SELECT id FROM clusterings WHERE model = ? AND active = 1",
                arguments: [model.id]) ?? 0
        var stored: [Int64: [Neighbour]] = [:]
        let neighbours = try Row.fetchCursor(
            db,
            sql: """
                SELECT image, neighbour, similarity FROM neighbours
                WHERE model = ? ORDER BY image, rank
                """, arguments: [model.id])
        while let row = try neighbours.next() {
            stored[row[0], default: []].append(
                Neighbour(image: row[1], similarity: Float(row[2] as Double)))
        }
        var lists = NeighbourLists(dimension: model.dimension)
        let embeddings = try Row.fetchCursor(
            db, sql: "SELECT image, vector FROM embeddings WHERE model = ? ORDER BY image",
            arguments: [model.id])
        while let row = try embeddings.next() {
            let image: Int64 = row[0]
            guard let vector = VectorBytes.decode(row[1], dimension: model.dimension) else {
                throw DatabaseError(
                    resultCode: .SQLITE_CORRUPT,
                    message: "the embedding of image \(image) has a wrong length")
            }
            lists.restore(image: image, vector: vector, list: stored[image] ?? [])
        }
        return LoadedModel(model: model, clustering: clustering, lists: lists)
    }

    /// Stores what changed in the lists, entry by entry.
    static func write(
        _ changes: [NeighbourLists.Change], model: Int64, _ db: Database
    ) throws {
        guard !changes.isEmpty else { return }
        let put = try db.cachedStatement(
            sql: """
                INSERT INTO neighbours (image, model, rank, neighbour, similarity)
                VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (image, model, rank) DO UPDATE
                SET neighbour = excluded.neighbour, similarity = excluded.similarity
                """)
        let cut = try db.cachedStatement(
            sql: "DELETE FROM neighbours WHERE image = ? AND model = ? AND rank > ?")
        for change in changes {
            for rank in change.firstRank..<change.list.count {
                let neighbour = change.list[rank]
                try put.execute(arguments: [
                    change.image, model, rank + 1, neighbour.image, Double(neighbour.similarity),
                ])
            }
            if change.list.count < change.formerCount {
                try cut.execute(arguments: [change.image, model, change.list.count])
            }
        }
    }
}
