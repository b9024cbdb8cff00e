import API
import Catalog
import Daemon
import Files
import Foundation
import TestSupport
import Testing

/// What happens while the daemon runs.
struct IndexerTests {
    @Test func indexesWhatIsThereAndWhatComes() async throws {
        let fixture = try IndexerFixture()
        try fixture.makeFolder("deep/er")
        try fixture.write("red.png", [200, 0, 0])
        try fixture.write("deep/er/green.png", [0, 200, 0])
        try await fixture.running { catalog, indexer in
            try await fixture.settle(catalog) { $0.counts.indexed == 2 }
            try fixture.write("blue.png", [0, 0, 200], old: false)
            try fixture.makeFolder("new")
            try fixture.write("new/red.png", [201, 0, 0], old: false)
            try await fixture.settle(catalog) { $0.counts.indexed == 4 }
            let names = try await fixture.names(catalog)
            #expect(names == ["blue.png", "deep/er/green.png", "new/red.png", "red.png"])
            let red = try #require(try await catalog.image(path: fixture.place("red.png")))
            #expect(red.width == 1 && red.height == 1 && red.sha256?.count == 64)
            #expect(red.assignment?.cluster == 0)
            let nearest = try await catalog.neighbours(of: red.id, limit: 1)
            #expect(nearest.first?.image.path == fixture.place("new/red.png"))
            #expect(indexer.progress.indexed == 4 && indexer.progress.failed == 0)
            let status = try await catalog.status()
            #expect(status.counts.pending == 0)
            #expect(status.roots.allSatisfy { $0.reconciledAt != nil })
        }
    }

    @Test func followsMovesAndDeletions() async throws {
        let fixture = try IndexerFixture()
        for name in ["a", "b", "c"] { try fixture.write(name + ".png", Array(name.utf8) + [1, 2]) }
        try fixture.makeFolder("sub")
        try fixture.write("sub/d.png", [9, 9, 200])
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 4 }
            let a = try #require(try await catalog.image(path: fixture.place("a.png"))).id
            let d = try #require(try await catalog.image(path: fixture.place("sub/d.png"))).id
            let calls = fixture.decoder.calls
            try fixture.move("a.png", to: "sub/e.png")
            try fixture.move("sub", to: "other")
            try fixture.remove("b.png")
            try await fixture.settle(catalog) { _ in
                try await fixture.names(catalog) == ["c.png", "other/d.png", "other/e.png"]
            }
            #expect(try await catalog.image(path: fixture.place("other/e.png"))?.id == a)
            #expect(try await catalog.image(path: fixture.place("other/d.png"))?.id == d)
            #expect(fixture.decoder.calls == calls)  // nothing is embedded anew
            try fixture.remove("other")
            try await fixture.settle(catalog) { $0.counts.total == 1 }
        }
    }

    @Test func replacedContentIsEmbeddedAnewAndTouchedIsNot() async throws {
        let fixture = try IndexerFixture()
        try fixture.write("a.png", [200, 0, 0])
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 1 }
            let former = try #require(try await catalog.image(path: fixture.place("a.png")))
            // Touched: the same bytes at another time.
            try fixture.write("a.png", [200, 0, 0], old: false)
            try await fixture.settle(catalog) { _ in
                try await catalog.image(id: former.id)?.identity != former.identity
            }
            #expect(fixture.decoder.calls == 1)
            try fixture.write("a.png", [0, 200, 0], old: false)
            try await fixture.settle(catalog) { _ in
                try await catalog.image(id: former.id)?.assignment?.cluster == 1
            }
            #expect(fixture.decoder.calls == 2)
            // The same content at another path is another picture, decoded once.
            try fixture.write("copy.png", [0, 200, 0], old: false)
            try await fixture.settle(catalog) { $0.counts.indexed == 2 }
            #expect(fixture.decoder.calls == 2)
            #expect(try await catalog.neighbours(of: former.id).first?.similarity ?? 0 > 0.9999)
        }
    }

    @Test func onlyPicturesAreIndexedAndBadOnesAreNamed() async throws {
        let fixture = try IndexerFixture()
        try fixture.write("notes.txt", bytes: Array("Shopping list".utf8))
        try fixture.write("empty", bytes: [])
        try fixture.write("movie.mp4", bytes: [0, 0, 0, 24] + Array("ftypisom0000".utf8))
        try fixture.write("liar.jpg", bytes: Array("This is text.".utf8))
        try fixture.write("new.webp", bytes: Array("RIFF0000WEBPVP8 ".utf8))
        try fixture.write(
            "cut.png",
            bytes: Array(
                PNGWriter.encode(
                    width: 1, height: 1, pixels: [1, 2, 3]
                ).prefix(30)))
        try fixture.write("png-by-content", [0, 0, 200])
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.total == 4 && $0.counts.failed == 3 }
            let failed = try await catalog.images(limit: 9, state: .failed)
            let reasons = Dictionary(
                uniqueKeysWithValues: failed.map {
                    ($0.path.description.split(separator: "/").last!, $0.error)
                })
            #expect(reasons["liar.jpg"] == "neither JPEG nor PNG")
            #expect(reasons["new.webp"]??.hasPrefix("WebP") == true)
            #expect(reasons["cut.png"] == "it is cut off")
            #expect(try await fixture.names(catalog) == ["png-by-content"])
            // A text file that becomes a picture is one.
            try fixture.write("notes.txt", [1, 1, 90], old: false)
            try await fixture.settle(catalog) { $0.counts.indexed == 2 }
            // A bad picture whose content is mended is a good one.
            try fixture.write("cut.png", [1, 90, 1], old: false)
            try await fixture.settle(catalog) { $0.counts.indexed == 3 }
        }
        // The next start opens none of those that are known.
        let calls = fixture.decoder.calls
        try await fixture.running { catalog, indexer in
            try await fixture.settle(catalog)
            #expect(indexer.progress.indexed == 0 && indexer.progress.failed == 0)
        }
        #expect(fixture.decoder.calls == calls)
    }

    @Test func aLostFolderKeepsItsPictures() async throws {
        let fixture = try IndexerFixture()
        try fixture.write("a.png", [200, 0, 0])
        try fixture.write("b.png", [0, 200, 0])
        let away = fixture.folder.path + "/away"
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 2 }
            try FileManager.default.moveItem(atPath: fixture.pictures, toPath: away)
            try await fixture.settle(catalog) { $0.counts.offline == 2 }
            try FileManager.default.moveItem(atPath: away, toPath: fixture.pictures)
            try await fixture.settle(catalog) { $0.counts.offline == 0 }
            #expect(try await catalog.counts().indexed == 2)
        }
        try FileManager.default.moveItem(atPath: fixture.pictures, toPath: away)
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.offline == 2 }
        }
        try FileManager.default.moveItem(atPath: away, toPath: fixture.pictures)
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.offline == 0 && $0.counts.indexed == 2 }
        }
        #expect(fixture.decoder.calls == 2)
    }

    @Test func stopsInTheMiddleOfAPicture() async throws {
        let fixture = try IndexerFixture()
        for number in 0..<10 { try fixture.write("\(number).png", [UInt8(number), 0, 9]) }
        fixture.decoder.hang(true)
        try await fixture.running { catalog, _ in
            while fixture.decoder.calls == 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await catalog.counts().pending == 10)
        }
        fixture.decoder.hang(false)
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 10 }
        }
    }
}
