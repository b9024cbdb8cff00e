import Catalog
import Daemon
import Files
import Foundation
import TestSupport
import Testing

/// What happened while the daemon was not running.
struct IndexerRestartTests {
    @Test func whatChangedMeanwhileIsFound() async throws {
        let fixture = try IndexerFixture()
        try fixture.makeFolder("sub")
        for (number, name) in ["stay", "go", "change", "move", "sub/tree"].enumerated() {
            try fixture.write(name + ".png", [UInt8(number * 20), 100, 30])
        }
        try fixture.write("carried.png", [7, 7, 77])
        // Of a size of its own: the next new file may get its inode.
        try fixture.write(
            "go.png", bytes: PNGWriter.encode(width: 2, height: 1, pixels: [8, 8, 8, 8, 8, 8]))
        var ids: [String: Int64] = [:]
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 6 }
            for name in ["stay", "change", "move", "sub/tree", "carried"] {
                ids[name] = try await catalog.image(path: fixture.place(name + ".png"))?.id
            }
        }
        let calls = fixture.decoder.calls
        try fixture.remove("go.png")
        try fixture.write("change.png", [0, 0, 250], old: false)
        try fixture.move("move.png", to: "sub/moved.png")
        try fixture.move("sub", to: "other")
        try fixture.write("new.png", [250, 0, 0])
        // To another disk and back: neither inode nor time is the same.
        try FileManager.default.copyItem(
            atPath: fixture.path("carried.png"), toPath: fixture.path("copy.png"))
        try fixture.remove("carried.png")
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_600_000_000)],
            ofItemAtPath: fixture.path("copy.png"))

        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 6 }
            let names = try await fixture.names(catalog)
            #expect(
                names == [
                    "change.png", "copy.png", "new.png", "other/moved.png", "other/tree.png",
                    "stay.png",
                ])
            func id(_ name: String) async throws -> Int64? {
                try await catalog.image(path: fixture.place(name))?.id
            }
            #expect(try await id("stay.png") == ids["stay"])
            #expect(try await id("change.png") == ids["change"])
            #expect(try await id("other/moved.png") == ids["move"])
            #expect(try await id("other/tree.png") == ids["sub/tree"])
            #expect(try await id("copy.png") == ids["carried"])
            let kinds = try await catalog.events(after: 0, limit: 1000).map(\.kind)
            #expect(kinds.filter { $0 == .moved }.count == 3)
            #expect(kinds.filter { $0 == .removed }.count == 1)
        }
        #expect(fixture.decoder.calls == calls + 2)  // change and new
    }

    @Test func aNewFileWithTheInodeOfADeletedOneIsNotTakenForIt() async throws {
        let fixture = try IndexerFixture()
        try fixture.write("a.png", [200, 0, 0])
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 1 }
        }
        // Another content with the same inode, size and time.
        try fixture.move("a.png", to: "b.png")
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: fixture.path("b.png")))
        try handle.write(contentsOf: PNGWriter.encode(width: 1, height: 1, pixels: [0, 0, 200]))
        try handle.close()
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)],
            ofItemAtPath: fixture.path("b.png"))
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 1 }
            let image = try #require(try await catalog.image(path: fixture.place("b.png")))
            #expect(image.assignment?.cluster == 2)
        }
    }

    @Test func movesBetweenFoldersAreFollowed() async throws {
        let fixture = try IndexerFixture()
        let second = fixture.folder.path + "/second"
        try FileManager.default.createDirectory(
            atPath: second, withIntermediateDirectories: true)
        let roots = [fixture.pictures, second]
        try fixture.write("a.png", [3, 3, 99])
        var id: Int64?
        try await fixture.running(roots: roots) { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 1 }
            id = try await catalog.image(path: fixture.place("a.png"))?.id
        }
        try FileManager.default.moveItem(
            atPath: fixture.path("a.png"), toPath: second + "/b.png")
        try await fixture.running(roots: roots) { catalog, _ in
            let path = FilePath(second + "/b.png")
            try await fixture.settle(catalog) { _ in
                try await catalog.image(path: path)?.state == .indexed
            }
            #expect(try await catalog.image(path: path)?.id == id)
            #expect(try await catalog.counts().total == 1)
        }
        #expect(fixture.decoder.calls == 1)
        // A folder that is no longer watched takes its pictures along.
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.total == 0 }
        }
    }

    @Test func anotherModelTakesOverWhenItIsComplete() async throws {
        let fixture = try IndexerFixture()
        for number in 0..<150 { try fixture.write("\(number).png", [UInt8(number), 50, 9]) }
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 150 }
        }
        try await fixture.running(model: "b") { catalog, _ in
            try await fixture.settle(catalog) { $0.activeModel?.sha256 == "b" }
            #expect(try await catalog.models().count == 1)
            #expect(catalog.searchCount == 150)
            #expect(try await catalog.counts().indexed == 150)
        }
        #expect(fixture.decoder.calls == 300)
    }

    @Test func foldersThatCannotBeReadKeepTheirPictures() async throws {
        guard getuid() != 0 else { return }  // root may read everything
        let fixture = try IndexerFixture()
        try fixture.makeFolder("sub")
        try fixture.write("sub/a.png", [3, 3, 99])
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog) { $0.counts.indexed == 1 }
        }
        unsafe chmod(fixture.path("sub"), 0)
        defer { unsafe _ = chmod(fixture.path("sub"), 0o755) }
        try await fixture.running { catalog, _ in
            try await fixture.settle(catalog)
            #expect(try await catalog.counts().indexed == 1)
        }
    }
}
