import Catalog
import Files
import GRDB
import Testing

struct CatalogFilesTests {
    private func open(_ fixture: CatalogFixture) async throws -> (ImageCatalog, root: Int64) {
        let catalog = try ImageCatalog(path: fixture.path)
        let root = try await catalog.setRoots(["/pictures"])[0].id
        try await catalog.use(CatalogFixture.model(dimension: 4))
        return (catalog, root)
    }

    private func vector(_ axis: Int) -> [Float] {
        var vector: [Float] = [0, 0, 0, 0]
        vector[axis] = 1
        return vector
    }

    @Test func untouchedTouchedAndNewFilesAreToldApart() async throws {
        let fixture = try CatalogFixture()
        let (catalog, root) = try await open(fixture)
        let id = try await CatalogFixture.add([vector(0)], inodes: 1..<2, root: root, to: catalog)[
            0]
        var file = FoundFile(path: CatalogFixture.path("1"), identity: CatalogFixture.identity(1))
        #expect(try await catalog.register([file], root: root) == [.unchanged(id)])
        file.identity.device = 9  // mounted again
        #expect(try await catalog.register([file], root: root) == [.unchanged(id)])
        #expect(try await catalog.image(id: id)?.identity.device == 9)
        file.identity.modified += 1
        #expect(try await catalog.register([file], root: root) == [.changed(id)])
        #expect(try await catalog.image(id: id)?.state == .pending)
        let pending = try await catalog.pending(after: 0, limit: 10)
        #expect(pending.map(\.id) == [id])
        #expect(pending[0].sha256 == "00" && pending[0].hasEmbedding)

        // A result for the file as it was before is dropped; for this one it counts.
        let stale = ImageResult(
            image: id, identity: CatalogFixture.identity(1), sha256: "00", verdict: .sameContent)
        try await catalog.store([stale])
        #expect(try await catalog.image(id: id)?.state == .pending)
        try await catalog.store([
            ImageResult(image: id, identity: file.identity, sha256: "00", verdict: .sameContent)
        ])
        #expect(try await catalog.image(id: id)?.state == .indexed)
        #expect(catalog.searchCount == 1)
    }

    @Test func failuresAreKeptUntilTheContentChanges() async throws {
        let fixture = try CatalogFixture()
        let (catalog, root) = try await open(fixture)
        let identity = CatalogFixture.identity(1)
        let file = FoundFile(path: CatalogFixture.path("bad.jpg"), identity: identity)
        guard case .added(let id) = try await catalog.register([file], root: root)[0] else {
            throw Unexpected()
        }
        try await catalog.store([
            ImageResult(
                image: id, identity: identity, sha256: "ff", verdict: .failed(reason: "truncated"))
        ])
        let failed = try await catalog.images(limit: 10, state: .failed)
        #expect(failed.map(\.error) == ["truncated"])
        #expect(try await catalog.register([file], root: root) == [.unchanged(id)])
        #expect(try await catalog.pending(after: 0, limit: 10).isEmpty)
        // Touched, but the same bytes: it stays failed.
        var touched = file
        touched.identity.modified += 1
        #expect(try await catalog.register([touched], root: root) == [.changed(id)])
        try await catalog.store([
            ImageResult(image: id, identity: touched.identity, sha256: "ff", verdict: .sameContent)
        ])
        #expect(try await catalog.image(id: id)?.state == .failed)
        // Not even read: tried again by the next comparison.
        try await catalog.store([
            ImageResult(
                image: id, identity: touched.identity, sha256: nil,
                verdict: .failed(reason: "permission denied"))
        ])
        #expect(
            try await catalog.register([touched], root: root, retryingUnreadable: false)
                == [.unchanged(id)])
        #expect(try await catalog.register([touched], root: root) == [.changed(id)])
    }

    @Test func filesThatAreNoPicturesAreRemembered() async throws {
        let fixture = try CatalogFixture()
        let (catalog, root) = try await open(fixture)
        let identity = CatalogFixture.identity(1)
        let file = FoundFile(path: CatalogFixture.path("notes.txt"), identity: identity)
        guard case .added(let id) = try await catalog.register([file], root: root)[0] else {
            throw Unexpected()
        }
        try await catalog.store([
            ImageResult(image: id, identity: identity, sha256: nil, verdict: .notAPicture)
        ])
        #expect(try await catalog.counts().total == 0)
        #expect(try await catalog.events(after: 0, limit: 10).isEmpty)
        guard case .skipped = try await catalog.register([file], root: root)[0] else {
            throw Unexpected()
        }
        try await catalog.forgetSkipped(root: root, except: [])
        guard case .added = try await catalog.register([file], root: root)[0] else {
            throw Unexpected()
        }
    }

    @Test func pathsAreBytes() async throws {
        let fixture = try CatalogFixture()
        let (catalog, root) = try await open(fixture)
        let path = FilePath("/pictures").appending([0xFF, 0xFE, 0x80] + Array(".jpg".utf8))
        let file = FoundFile(path: path, identity: CatalogFixture.identity(1))
        guard case .added(let id) = try await catalog.register([file], root: root)[0] else {
            throw Unexpected()
        }
        #expect(try await catalog.image(path: path)?.id == id)
        #expect(try await catalog.image(id: id)?.path == path)
        #expect(
            try fixture.rows("SELECT hex(path), typeof(path) FROM images")[0]
                == ["2F70696374757265732FFFFE802E6A7067".databaseValue, "blob".databaseValue])
        let moved = FilePath("/pictures").appending([0xC0, 0x01])
        try await catalog.moveTree(from: "/pictures", to: moved, root: root)
        #expect(try await catalog.image(id: id)?.path == path.moved(from: "/pictures", to: moved))
    }

    @Test func movesKeepTheRow() async throws {
        let fixture = try CatalogFixture()
        let (catalog, root) = try await open(fixture)
        let ids = try await CatalogFixture.add(
            [vector(0), vector(1), vector(2)], inodes: 1..<4, root: root, to: catalog)
        // Over another picture: that one is replaced.
        try await catalog.move(
            image: ids[0], to: CatalogFixture.path("2"), root: root,
            identity: CatalogFixture.identity(1))
        #expect(try await catalog.image(path: CatalogFixture.path("2"))?.id == ids[0])
        #expect(try await catalog.image(id: ids[1]) == nil)
        #expect(try await catalog.neighbours(of: ids[0]).map(\.image.id) == [ids[2]])
        let last = try await catalog.events(after: 0, limit: 100).last
        #expect(last?.kind == .moved && last?.detail == "/pictures/1")

        // A folder: siblings with a common prefix stay.
        let sub = try await catalog.register(
            ["a/x", "a/b/y", "a0", "a.z"].enumerated().map {
                FoundFile(
                    path: CatalogFixture.path($1),
                    identity: CatalogFixture.identity(UInt64(10 + $0)))
            }, root: root)
        #expect(
            try await catalog.moveTree(
                from: CatalogFixture.path("a"), to: CatalogFixture.path("c"), root: root) == 2)
        let paths = try await catalog.images(limit: 100).map {
            $0.path.description
        }
        #expect(
            Set(paths) == [
                "/pictures/2", "/pictures/3", "/pictures/c/x", "/pictures/c/b/y", "/pictures/a0",
                "/pictures/a.z",
            ])
        #expect(sub.count == 4)
        #expect(try await catalog.remove(paths: [CatalogFixture.path("c")]) == 2)
        #expect(try await catalog.remove(paths: [CatalogFixture.path("a0")]) == 1)
        #expect(try await catalog.remove(paths: [CatalogFixture.path("a")]) == 0)
        #expect(try await catalog.counts().total == 3)
    }

    @Test func offlinePicturesStay() async throws {
        let fixture = try CatalogFixture()
        let (catalog, root) = try await open(fixture)
        let ids = try await CatalogFixture.add([vector(0)], inodes: 1..<2, root: root, to: catalog)
        _ = try await catalog.register(
            [FoundFile(path: CatalogFixture.path("5"), identity: CatalogFixture.identity(5))],
            root: root)
        try await catalog.setOffline(root: root)
        try await catalog.setOffline(root: root)
        #expect(try await catalog.image(id: ids[0])?.online == false)
        #expect(try await catalog.pending(after: 0, limit: 10).isEmpty)
        let counts = try await catalog.counts()
        #expect(counts.pending == 0 && counts.indexed == 1 && counts.offline == 2)
        #expect(try fixture.rows("SELECT id FROM offline_images").count == 2)
        #expect(try catalog.nearest(to: vector(0), count: 1).count == 1)
        try await catalog.setOnline(root: root, device: .max, inode: 2)
        #expect(try await catalog.roots()[0].device == .max)
        #expect(try await catalog.pending(after: 0, limit: 10).count == 1)
        let kinds = try await catalog.events(after: 0, limit: 10).map(\.kind)
        #expect(kinds == [.indexed, .rootOffline, .rootOnline])
    }

    @Test func picturesOfFoldersNoLongerWatchedLeave() async throws {
        let fixture = try CatalogFixture()
        let (catalog, root) = try await open(fixture)
        _ = try await CatalogFixture.add(
            [vector(0), vector(1)], inodes: 1..<3, root: root, to: catalog)
        let roots = try await catalog.setRoots(["/other"])
        #expect(roots.map(\.path) == ["/other"])
        #expect(try await catalog.counts().total == 0)
        #expect(catalog.searchCount == 0)
        for table in ["embeddings", "assignments", "neighbours"] {
            #expect(try fixture.rows("SELECT * FROM \(table)").isEmpty)
        }
        #expect(try fixture.rows("PRAGMA foreign_key_check").isEmpty)
    }

    @Test func eventsArePagedAndAnnounced() async throws {
        let fixture = try CatalogFixture()
        let (catalog, root) = try await open(fixture)
        var changes = catalog.changes().makeAsyncIterator()
        let ids = try await CatalogFixture.add(
            (0..<4).map(vector), inodes: 1..<5, root: root, to: catalog)
        _ = await changes.next()
        let first = try await catalog.events(after: 0, limit: 3)
        #expect(first.map(\.image) == ids.prefix(3).map { $0 })
        let rest = try await catalog.events(after: first[2].sequence, limit: 3)
        #expect(rest.map(\.image) == [ids[3]])
        #expect(rest[0].path == CatalogFixture.path("4"))
        #expect(try await catalog.status().lastEvent == rest[0].sequence)
        try await catalog.remove([ids[3]])
        let removed = try await catalog.events(after: rest[0].sequence, limit: 3)
        #expect(removed.map(\.kind) == [.removed])
    }
}
