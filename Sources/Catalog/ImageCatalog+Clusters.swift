import GRDB

extension ImageCatalog {
    private static let activeClustering = """
        (SELECT g.id FROM clusterings g JOIN models m ON m.id = g.model
        WHERE m.active = 1 AND g.active = 1)
        """

    /// The clusters of the active clustering, in the order of their ids, with their sizes.
    public func clusters() async throws -> [ClusterRecord] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT clustering, id, name, size FROM clusters
                    WHERE clustering = \(Self.activeClustering) ORDER BY id
                    """
            ).map(Self.cluster)
        }
    }

    /// One cluster of the active clustering.
    public func cluster(_ id: Int) async throws -> ClusterRecord? {
        try await read { try Self.cluster(id, $0) }
    }

    /// The pictures of a cluster, nearest to its centroid first.
    ///
    /// `last` is the last picture of the page before, to go on after it.
    public func images(
        inCluster id: Int, after last: ImageRecord? = nil, limit: Int
    ) async throws -> [ImageRecord] {
        let distance = last?.assignment.map { Double($0.distance) } ?? -1
        let image = last?.id ?? 0
        return try await read { db in
            try Self.images(
                """
                WHERE a.cluster = ? AND (a.distance, a.image) > (?, ?)
                ORDER BY a.distance, a.image LIMIT ?
                """, [id, distance, image, limit], db)
        }
    }

    /// Names a cluster of the active clustering, or takes its name away.
    ///
    /// - Throws: `CatalogError.noSuchCluster`.
    @discardableResult
    public func rename(cluster id: Int, to name: String?) async throws -> ClusterRecord {
        try await transaction(durable: true) { db, _ in
            try db.execute(
                sql: """
                    UPDATE clusters SET name = ?
                    WHERE id = ? AND clustering = \(Self.activeClustering)
                    """, arguments: [name, id])
            guard db.changesCount > 0, let cluster = try Self.cluster(id, db) else {
                throw CatalogError.noSuchCluster(id)
            }
            try Self.record(.clusterRenamed, detail: "\(id)", db)
            return cluster
        }
    }

    private static func cluster(_ id: Int, _ db: Database) throws -> ClusterRecord? {
        try Row.fetchOne(
            db,
            sql: """
                SELECT clustering, id, name, size FROM clusters
                WHERE clustering = \(activeClustering) AND id = ?
                """, arguments: [id]
        ).map(cluster)
    }

    private static func cluster(_ row: Row) -> ClusterRecord {
        ClusterRecord(clustering: row[0], id: row[1], name: row[2], size: row[3])
    }
}
