import Foundation

/// The index as SQLite's own shell reads it, without a line of the product.
struct IndexContents {
    /// A picture of the index.
    struct Picture {
        let id: Int
        let path: String
        let size: Int
        let sha256: String
        let vector: [Float]
        let cluster: Int
        let distance: Double
    }

    /// The indexed pictures by id.
    let pictures: [Int: Picture]
    /// The stored neighbours of each picture, nearest first.
    let neighbours: [Int: [(id: Int, similarity: Double)]]
    /// The centroids by cluster.
    let centroids: [Int: [Float]]
    /// The number of pictures that are not indexed.
    let others: Int

    init(of index: String) async throws {
        let rows = try await Self.rows(
            """
            SELECT i.id, hex(i.path) AS path, i.size, i.sha256, hex(e.vector) AS vector,
                a.cluster, a.distance
            FROM images i JOIN embeddings e ON e.image = i.id
            JOIN models m ON m.id = e.model AND m.active = 1
            JOIN clusterings g ON g.model = m.id AND g.active = 1
            JOIN assignments a ON a.image = i.id AND a.clustering = g.id
            WHERE i.state = 'indexed'
            """, in: index)
        var pictures: [Int: Picture] = [:]
        for row in rows {
            let picture = Picture(
                id: try Self.integer(row["id"]),
                path: String(decoding: Self.bytes(row["path"]), as: UTF8.self),
                size: try Self.integer(row["size"]), sha256: row["sha256"] as? String ?? "",
                vector: Self.floats(row["vector"]), cluster: try Self.integer(row["cluster"]),
                distance: row["distance"] as? Double ?? .nan)
            pictures[picture.id] = picture
        }
        self.pictures = pictures
        var neighbours: [Int: [(id: Int, similarity: Double)]] = [:]
        for row in try await Self.rows(
            "SELECT image, neighbour, similarity FROM active_neighbours ORDER BY image, rank",
            in: index)
        {
            neighbours[try Self.integer(row["image"]), default: []].append(
                (try Self.integer(row["neighbour"]), row["similarity"] as? Double ?? .nan))
        }
        self.neighbours = neighbours
        var centroids: [Int: [Float]] = [:]
        for row in try await Self.rows(
            """
            SELECT id, hex(centroid) AS centroid FROM clusters WHERE clustering =
            (SELECT id FROM clusterings WHERE active = 1 AND model =
            (SELECT id FROM models WHERE active = 1))
            """, in: index)
        {
            centroids[try Self.integer(row["id"])] = Self.floats(row["centroid"])
        }
        self.centroids = centroids
        let count = try await Self.rows(
            "SELECT count(*) AS n FROM images WHERE state <> 'indexed'", in: index)
        others = try Self.integer(count.first?["n"])
    }

    /// The rows of a query.
    static func rows(_ query: String, in index: String) async throws -> [[String: Any]] {
        let shell = try await Outcome(of: "/usr/bin/env", ["sqlite3", "-json", index, query])
        guard shell.status == 0 else { throw Unexpected("sqlite3: \(shell.errors)") }
        if shell.output.isEmpty { return [] }
        let rows = try JSONSerialization.jsonObject(with: Data(shell.output.utf8))
        return rows as? [[String: Any]] ?? []
    }

    private static func integer(_ value: Any?) throws -> Int {
        guard let value = value as? Int else { throw Unexpected("no integer: \(value as Any)") }
        return value
    }

    private static func bytes(_ hex: Any?) -> [UInt8] {
        let digits = Array((hex as? String ?? "").utf8)
        func nibble(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : digit - 55 }
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            nibble(digits[$0]) << 4 | nibble(digits[$0 + 1])
        }
    }

    private static func floats(_ hex: Any?) -> [Float] {
        let bytes = bytes(hex)
        return stride(from: 0, to: bytes.count - 3, by: 4).map { i in
            Float(
                bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[i + $1]) << (8 * UInt32($1)) })
        }
    }
}
