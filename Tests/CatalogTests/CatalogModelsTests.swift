import Catalog
import GRDB
import Testing

struct CatalogModelsTests {
    private let axes: [[Float]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]

    @Test func clustersHaveSizesNamesAndPictures() async throws {
        let fixture = try CatalogFixture()
        let catalog = try ImageCatalog(path: fixture.path)
        let root = try await catalog.setRoots([CatalogFixture.path("")])[0].id
        try await catalog.use(CatalogFixture.model(dimension: 3, clusters: 3))
        let ids = try await CatalogFixture.add(axes, inodes: 1..<4, root: root, to: catalog)
        #expect(try await catalog.clusters().map(\.size) == [3, 0, 0])
        let nearer = CatalogFixture.identity(2)
        var result = CatalogFixture.result(ids[1], nearer, axes[1], cluster: 2)
        guard case .embedded(var embedded) = result.verdict else { throw Unexpected() }
        embedded.assignment = Assignment(cluster: 2, distance: 0.1, second: nil, margin: nil)
        result.verdict = .embedded(embedded)
        try await catalog.store([result])
        #expect(try await catalog.clusters().map(\.size) == [2, 0, 1])
        #expect(try await catalog.image(id: ids[1])?.assignment == embedded.assignment)

        let page = try await catalog.images(inCluster: 0, limit: 1)
        let next = try await catalog.images(inCluster: 0, after: page[0], limit: 5)
        #expect(page.map(\.id) + next.map(\.id) == [ids[0], ids[2]])

        #expect(try await catalog.rename(cluster: 2, to: "boots").name == "boots")
        #expect(try await catalog.cluster(2)?.name == "boots")
        await #expect(throws: CatalogError.noSuchCluster(3)) {
            try await catalog.rename(cluster: 3, to: "x")
        }
        try await catalog.remove([ids[1]])
        #expect(try await catalog.clusters().map(\.size) == [2, 0, 0])
    }

    @Test func theFormerModelAnswersUntilTheNextIsComplete() async throws {
        let fixture = try CatalogFixture()
        let catalog = try ImageCatalog(path: fixture.path)
        let root = try await catalog.setRoots([CatalogFixture.path("")])[0].id
        let first = try await catalog.use(CatalogFixture.model("a", dimension: 3))
        #expect(first.active)
        let ids = try await CatalogFixture.add(axes, inodes: 1..<4, root: root, to: catalog)
        #expect(try await !catalog.finishModelChange())

        let second = try await catalog.use(CatalogFixture.model("b", dimension: 2))
        #expect(!second.active && second.id != first.id)
        #expect(catalog.searchModel == second && catalog.searchCount == 0)
        #expect(try await catalog.pending(after: 0, limit: 9).map(\.id) == ids)
        try await catalog.store([
            CatalogFixture.result(ids[0], CatalogFixture.identity(1), [1, 0]),
            CatalogFixture.result(ids[1], CatalogFixture.identity(2), [0, 1]),
        ])
        // Results replace nothing of the former model but what they are about.
        #expect(try await !catalog.finishModelChange())
        var status = try await catalog.status()
        #expect(status.activeModel?.id == first.id && status.nextModel?.id == second.id)
        #expect(status.nextModelIndexed == 2)
        #expect(try await catalog.neighbours(of: ids[2]).map(\.image.id) == [ids[0], ids[1]])
        #expect(try await catalog.image(id: ids[0])?.assignment != nil)

        try await catalog.store([
            CatalogFixture.result(ids[2], CatalogFixture.identity(3), [1, 0], cluster: 1)
        ])
        #expect(try await catalog.finishModelChange())
        status = try await catalog.status()
        #expect(status.activeModel?.id == second.id && status.nextModel == nil)
        #expect(try await catalog.neighbours(of: ids[0]).map(\.image.id) == [ids[2], ids[1]])
        #expect(try await catalog.clusters().map(\.size) == [2, 1])
        #expect(
            try fixture.rows("SELECT DISTINCT model FROM embeddings") == [[second.id.databaseValue]]
        )
        #expect(try fixture.rows("SELECT * FROM models").count == 1)
        #expect(try await catalog.events(after: 0, limit: 99).last?.kind == .modelChanged)
    }

    @Test func goingBackRepairsTheFormerModel() async throws {
        let fixture = try CatalogFixture()
        let catalog = try ImageCatalog(path: fixture.path)
        let root = try await catalog.setRoots([CatalogFixture.path("")])[0].id
        let first = try await catalog.use(CatalogFixture.model("a", dimension: 3))
        let ids = try await CatalogFixture.add(axes, inodes: 1..<4, root: root, to: catalog)
        try await catalog.use(CatalogFixture.model("b", dimension: 2))
        try await catalog.store([
            CatalogFixture.result(ids[0], CatalogFixture.identity(1), [1, 0])
        ])
        try await catalog.remove([ids[1]])
        let back = try await catalog.use(CatalogFixture.model("a", dimension: 3))
        #expect(back == first)
        #expect(try fixture.rows("SELECT * FROM models").count == 1)
        #expect(try await catalog.pending(after: 0, limit: 9).isEmpty)
        #expect(
            try fixture.rows("SELECT image, neighbour FROM neighbours ORDER BY image") == [
                [ids[0].databaseValue, ids[2].databaseValue],
                [ids[2].databaseValue, ids[0].databaseValue],
            ])
    }

    @Test func contentIsEmbeddedOnce() async throws {
        let fixture = try CatalogFixture()
        let catalog = try ImageCatalog(path: fixture.path)
        let root = try await catalog.setRoots([CatalogFixture.path("")])[0].id
        try await catalog.use(CatalogFixture.model(dimension: 3))
        #expect(try await catalog.embedding(ofContent: "00") == nil)
        _ = try await CatalogFixture.add([axes[1]], inodes: 1..<2, root: root, to: catalog)
        let known = try await catalog.embedding(ofContent: "00")
        #expect(known?.vector == axes[1] && known?.width == 4 && known?.assignment.margin == 0.25)
    }

    @Test func vectorsThatDoNotFitAreRefusedAsAWhole() async throws {
        let fixture = try CatalogFixture()
        let catalog = try ImageCatalog(path: fixture.path)
        let root = try await catalog.setRoots([CatalogFixture.path("")])[0].id
        try await catalog.use(CatalogFixture.model(dimension: 3))
        let ids = try await CatalogFixture.add([axes[0]], inodes: 1..<2, root: root, to: catalog)
        for bad: [Float] in [[1, 0], [1, .nan, 0]] {
            await #expect(throws: CatalogError.self) {
                try await catalog.store([
                    CatalogFixture.result(ids[0], CatalogFixture.identity(1), axes[2]),
                    CatalogFixture.result(ids[0], CatalogFixture.identity(1), bad),
                ])
            }
        }
        #expect(try catalog.nearest(to: axes[0], count: 1)[0].similarity == 1)
        let more = try await CatalogFixture.add([axes[0]], inodes: 2..<3, root: root, to: catalog)
        #expect(try await catalog.neighbours(of: more[0]).map(\.similarity) == [1])
        await #expect(throws: CatalogError.dimensionChanged(sha256: "a", known: 3, found: 2)) {
            try await catalog.use(CatalogFixture.model(dimension: 2))
        }
    }
}
