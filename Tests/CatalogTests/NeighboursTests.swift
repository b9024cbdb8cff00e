import Catalog
import GRDB
import Tensors
import Testing

struct NeighboursTests {
    /// Every stored list against a search written apart from the product.
    private func check(
        _ vectors: [Int64: [Float]], _ fixture: CatalogFixture, exact: Bool = false, seed: UInt64,
        step: Int
    ) throws {
        var stored: [Int64: [(Int64, Double)]] = [:]
        for row in try fixture.rows(
            "SELECT image, rank, neighbour, similarity FROM neighbours ORDER BY image, rank")
        {
            let image = Int64.fromDatabaseValue(row[0])!
            let rank = Int.fromDatabaseValue(row[1])!
            #expect(rank == (stored[image]?.count ?? 0) + 1, "seed \(seed), step \(step)")
            stored[image, default: []].append(
                (Int64.fromDatabaseValue(row[2])!, Double.fromDatabaseValue(row[3])!))
        }
        for (image, vector) in vectors {
            var others: [(image: Int64, product: Double)] = []
            for (other, candidate) in vectors where other != image {
                var product = 0.0
                for i in 0..<vector.count { product += Double(vector[i]) * Double(candidate[i]) }
                others.append((other, product))
            }
            others.sort { $0.product > $1.product }
            let expected = others.prefix(20)
            let list = stored[image] ?? []
            #expect(list.count == expected.count, "seed \(seed), step \(step), image \(image)")
            var former: (Int64, Double)?
            for ((neighbour, similarity), best) in zip(list, expected) {
                let truth = others.first { $0.image == neighbour }?.product ?? .nan
                #expect(abs(similarity - truth) <= 1e-6, "seed \(seed), step \(step)")
                #expect(abs(similarity - best.product) <= 1e-6, "seed \(seed), step \(step)")
                if let former, former.1 == similarity {
                    #expect(former.0 < neighbour, "a tie out of order, seed \(seed)")
                }
                former = (neighbour, similarity)
            }
            // Of those as near as the last one, the lowest ids are in the list. Dot products of
            // coarse vectors are exact, so that equal means equal.
            if exact, list.count == 20, let last = list.last {
                let tied = others.filter { abs($0.product - last.1) <= 1e-9 }.map(\.image).sorted()
                let named = list.filter { abs($0.1 - last.1) <= 1e-9 }.map(\.0)
                #expect(named == Array(tied.prefix(named.count)), "seed \(seed), step \(step)")
            }
        }
        #expect(stored.count == (vectors.count > 1 ? vectors.count : 0))
    }

    @Test(arguments: [false, true], [UInt64(1), 2])
    func equalBruteForceWhilePicturesComeAndGo(coarse: Bool, seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let fixture = try CatalogFixture()
        let dimension = 19  // one whole vector register and a rest
        let catalog = try ImageCatalog(path: fixture.path)
        let root = try await catalog.setRoots([CatalogFixture.path("")])[0].id
        try await catalog.use(CatalogFixture.model(dimension: dimension))
        var vectors: [Int64: [Float]] = [:]
        var inode: UInt64 = 0
        for (step, count) in [1, 1, 18, 1, 3, 250, 40].enumerated() {
            let added = (0..<count).map { _ in
                CatalogFixture.vector(dimension, coarse: coarse, using: &random)
            }
            let ids = try await CatalogFixture.add(
                added, inodes: inode..<inode + UInt64(count), root: root, to: catalog)
            inode += UInt64(count)
            for (id, vector) in zip(ids, added) { vectors[id] = vector }
            try check(vectors, fixture, exact: coarse, seed: seed, step: step)
            let leaving = vectors.keys.sorted().filter { _ in random.index(below: 9) == 0 }
            try await catalog.remove(leaving)
            for id in leaving { vectors[id] = nil }
            try check(vectors, fixture, exact: coarse, seed: seed, step: step)
        }
        // Another content of pictures that are there already.
        let changed = Array(vectors.keys.sorted().prefix(30))
        let records = try await catalog.images(limit: 1000).filter { changed.contains($0.id) }
        let results = records.map { record in
            let vector = CatalogFixture.vector(dimension, coarse: coarse, using: &random)
            vectors[record.id] = vector
            return CatalogFixture.result(record.id, record.identity, vector)
        }
        try await catalog.store(results)
        try check(vectors, fixture, exact: coarse, seed: seed, step: 99)
        try catalog.close()
    }

    @Test func areReadAgainAfterReopening() async throws {
        var random = SeededGenerator(seed: 3)
        let fixture = try CatalogFixture()
        let vectors = (0..<60).map { _ in
            CatalogFixture.vector(8, coarse: false, using: &random)
        }
        var byID: [Int64: [Float]] = [:]
        do {
            let catalog = try ImageCatalog(path: fixture.path)
            let root = try await catalog.setRoots([CatalogFixture.path("")])[0].id
            try await catalog.use(CatalogFixture.model(dimension: 8))
            let ids = try await CatalogFixture.add(
                Array(vectors[..<50]), inodes: 0..<50, root: root, to: catalog)
            for (id, vector) in zip(ids, vectors) { byID[id] = vector }
            // No close: the next one finds the write-ahead log as a crash leaves it.
        }
        let catalog = try ImageCatalog(path: fixture.path)
        let root = try await catalog.roots()[0].id
        try await catalog.use(CatalogFixture.model(dimension: 8))
        #expect(catalog.searchCount == 50)
        let ids = try await CatalogFixture.add(
            Array(vectors[50...]), inodes: 50..<60, root: root, to: catalog)
        for (id, vector) in zip(ids, vectors[50...]) { byID[id] = vector }
        try check(byID, fixture, seed: 3, step: 0)
    }

    @Test func searchIsExactAndExcludes() async throws {
        var random = SeededGenerator(seed: 4)
        let fixture = try CatalogFixture()
        let catalog = try ImageCatalog(path: fixture.path)
        let root = try await catalog.setRoots([CatalogFixture.path("")])[0].id
        #expect(throws: CatalogError.noModel) { try catalog.nearest(to: [1], count: 1) }
        try await catalog.use(CatalogFixture.model(dimension: 16))
        #expect(try catalog.nearest(to: [Float](repeating: 0, count: 16), count: 3).isEmpty)
        let vectors = (0..<600).map { _ in
            CatalogFixture.vector(16, coarse: false, using: &random)
        }
        let ids = try await CatalogFixture.add(vectors, inodes: 0..<600, root: root, to: catalog)
        for index in [0, 255, 256, 599] {
            let found = try catalog.nearest(to: vectors[index], count: 5)
            #expect(found[0].image == ids[index])
            #expect(abs(found[0].similarity - 1) < 1e-6)
            let others = try catalog.nearest(to: vectors[index], count: 5, excluding: ids[index])
            #expect(Array(found[1...]) == Array(others[..<4]))
            let stored = try await catalog.neighbours(of: ids[index], limit: 5)
            #expect(stored.map(\.image.id) == others.map(\.image))
        }
        #expect(throws: CatalogError.self) { try catalog.nearest(to: [1, 2], count: 1) }
        #expect(throws: CatalogError.self) {
            try catalog.nearest(to: [Float](repeating: .nan, count: 16), count: 1)
        }
    }
}
