import Catalog
import Foundation
import GRDB
import Testing

struct CatalogOpeningTests {
    @Test func tablesAreTheContract() async throws {
        let fixture = try CatalogFixture()
        let catalog = try ImageCatalog(path: fixture.path)
        let contract: [String: [String]] = [
            "roots": ["id", "path", "device", "inode", "online"],
            "images": [
                "id", "root", "path", "device", "inode", "size", "mtime_ns", "sha256", "width",
                "height", "state", "error", "first_seen", "indexed_at",
            ],
            "models": ["id", "sha256", "dimension", "active"],
            "embeddings": ["image", "model", "vector"],
            "clusterings": ["id", "model"],
            "clusters": ["clustering", "id", "name", "size", "centroid"],
            "assignments": ["image", "clustering", "cluster", "distance", "second", "margin"],
            "neighbours": ["image", "model", "rank", "neighbour", "similarity"],
            "events": ["seq", "at", "kind", "image", "path", "detail"],
            "offline_images": ["id", "path", "state", "root", "root_path"],
            "image_overview": ["id", "path", "state", "cluster", "cluster_name", "margin"],
            "active_neighbours": ["image", "rank", "neighbour", "similarity"],
        ]
        for (table, columns) in contract {
            let found = try fixture.rows("SELECT name FROM pragma_table_info('\(table)')")
                .compactMap { String.fromDatabaseValue($0[0]) }
            #expect(Set(columns).isSubset(of: found), "\(table) has \(found)")
        }
        #expect(try fixture.rows("PRAGMA journal_mode")[0][0] == "wal".databaseValue)
        #expect(try fixture.rows("PRAGMA user_version")[0][0] == 1.databaseValue)
        try catalog.close()
    }

    @Test func aSecondOpenerIsRefused() throws {
        let fixture = try CatalogFixture()
        let catalog = try ImageCatalog(path: fixture.path)
        let refusal = CatalogError.inUse(path: fixture.path, process: getpid())
        #expect(throws: refusal) { try ImageCatalog(path: fixture.path) }
        #expect(refusal.description.contains("in use by another dcd (process \(getpid()))"))
        try catalog.close()
    }

    @Test func aClosedIndexIsOneFile() async throws {
        let fixture = try CatalogFixture()
        let catalog = try ImageCatalog(path: fixture.path)
        try await catalog.setRoots([CatalogFixture.path("")])
        try catalog.close()
        let log = fixture.path + "-wal"
        let attributes = try? FileManager.default.attributesOfItem(atPath: log)
        #expect((attributes?[.size] as? Int ?? 0) == 0)
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(
            path: "file:\(fixture.path)?immutable=1", configuration: configuration)
        let roots = try await queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM roots") }
        #expect(roots == 1)
    }

    @Test func theLockEndsWithItsOwner() throws {
        let fixture = try CatalogFixture()
        do { try ImageCatalog(path: fixture.path).close() }
        try ImageCatalog(path: fixture.path).close()
    }

    @Test func aNewerSchemaIsRefused() throws {
        let fixture = try CatalogFixture()
        do { try ImageCatalog(path: fixture.path).close() }
        do {
            let queue = try DatabaseQueue(path: fixture.path)
            try queue.write { try $0.execute(sql: "PRAGMA user_version = 7") }
            try queue.close()
        }
        let refusal = CatalogError.newerSchema(path: fixture.path, found: 7, newest: 1)
        #expect(throws: refusal) { try ImageCatalog(path: fixture.path) }
        #expect(refusal.description.contains("upgrade dcd"))
    }

    @Test func filesOfOthersAreRefusedAndLeftAlone() throws {
        let fixture = try CatalogFixture()
        let text = Data(
            "Not a database, but longer than the header of one would have to be, yes."
                .utf8)
        try text.write(to: URL(fileURLWithPath: fixture.path))
        #expect(throws: CatalogError.self) { try ImageCatalog(path: fixture.path) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.path)) == text)

        try FileManager.default.removeItem(atPath: fixture.path)
        do {
            let queue = try DatabaseQueue(path: fixture.path)
            try queue.write { try $0.execute(sql: "CREATE TABLE theirs (id)") }
            try queue.close()
        }
        #expect(
            throws: CatalogError.notAnIndex(
                path: fixture.path, reason: "it has tables of another program")
        ) { try ImageCatalog(path: fixture.path) }
        let folder = fixture.folder + "/folder"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        #expect(throws: CatalogError.self) { try ImageCatalog(path: folder) }
        #expect(throws: CatalogError.self) { try ImageCatalog(path: "/no/such/folder/index") }
    }

    @Test func aDamagedIndexIsSetAside() async throws {
        let fixture = try CatalogFixture()
        do {
            let catalog = try ImageCatalog(path: fixture.path)
            #expect(catalog.setAside == nil)
            try await catalog.setRoots([CatalogFixture.path("")])
            try catalog.close()
        }
        let size = try Data(contentsOf: URL(fileURLWithPath: fixture.path)).count
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: fixture.path))
        try handle.seek(toOffset: 4096)
        try handle.write(contentsOf: Data(repeating: 0xA5, count: size - 4096))
        try handle.close()

        let catalog = try ImageCatalog(path: fixture.path)
        #expect(catalog.setAside == fixture.path + ".damaged-1")
        #expect(FileManager.default.fileExists(atPath: fixture.path + ".damaged-1"))
        #expect(try await catalog.roots().isEmpty)
        try catalog.close()
    }
}
