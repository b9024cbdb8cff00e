import Catalog
import Files
import Foundation
import GRDB
import Tensors

/// An index in a folder of its own, and made-up pictures for it.
final class CatalogFixture {
    let folder: String
    var path: String { folder + "/index.sqlite" }

    init() throws {
        folder = NSTemporaryDirectory() + "catalog-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// A picture's path in the root `/pictures`.
    static func path(_ name: String) -> FilePath { "/pictures/\(name)" }

    static func identity(_ inode: UInt64, size: Int64 = 100) -> FileIdentity {
        FileIdentity(device: 1, inode: inode, size: size, modified: 1_000)
    }

    /// A model whose centroids are the first `clusters` unit vectors.
    static func model(_ name: String = "a", dimension: Int, clusters: Int = 2) -> ModelDescription {
        var centroids = [Float](repeating: 0, count: clusters * dimension)
        for cluster in 0..<clusters { centroids[cluster * dimension + cluster] = 1 }
        return ModelDescription(sha256: name, dimension: dimension, centroids: centroids)
    }

    /// A unit vector; few distinct values, so that ties happen, when `coarse`.
    static func vector(
        _ dimension: Int, coarse: Bool, using random: inout SeededGenerator
    ) -> [Float] {
        if coarse {
            // One of a few axes and diagonals: many equal dot products.
            var vector = [Float](repeating: 0, count: dimension)
            vector[random.index(below: 4)] = random.index(below: 2) == 0 ? 1 : -1
            return vector
        }
        let vector = random.normals(dimension, deviation: 1)
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / norm }
    }

    static func result(
        _ image: Int64, _ identity: FileIdentity, _ vector: [Float], sha256: String = "00",
        cluster: Int = 0
    ) -> ImageResult {
        ImageResult(
            image: image, identity: identity, sha256: sha256,
            verdict: .embedded(
                EmbeddedImage(
                    width: 4, height: 3, vector: vector,
                    assignment: Assignment(
                        cluster: cluster, distance: 0.5, second: 1, margin: 0.25))))
    }

    /// Registers and embeds pictures named by their inodes; their ids are in the same order.
    static func add(
        _ vectors: [[Float]], inodes: Range<UInt64>, root: Int64, to catalog: ImageCatalog
    ) async throws -> [Int64] {
        let files = inodes.map { FoundFile(path: path("\($0)"), identity: identity($0)) }
        let ids = try await catalog.register(files, root: root).map { registration in
            guard case .added(let id) = registration else { throw Unexpected() }
            return id
        }
        try await catalog.store(
            zip(zip(ids, files), vectors).map { result($0.0, $0.1.identity, $1) })
        return ids
    }

    /// What another program sees in the file.
    func rows(_ sql: String) throws -> [[DatabaseValue]] {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        return try queue.read { db in
            try Row.fetchAll(db, sql: sql).map { Array($0.databaseValues) }
        }
    }
}

struct Unexpected: Error {}
