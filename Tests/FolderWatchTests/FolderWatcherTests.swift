import Files
import FolderWatch
import Foundation
import Testing

struct FolderWatcherTests {
    @Test func createdFilesAreToldOnceQuiet() async throws {
        let fixture = try await WatchFixture()
        try fixture.write("one", "a.jpg")
        try await fixture.expectSettled(["a.jpg"])
        try fixture.write("two", "a.jpg")
        try await fixture.expect { _ in fixture.settled == ["a.jpg", "a.jpg"] }
        guard case .settled(_, let status) = fixture.events.last else {
            Issue.record("\(fixture.events)")
            return
        }
        #expect(status.size == 3)
    }

    @Test func aSlowWriterIsWaitedFor() async throws {
        let fixture = try await WatchFixture()
        _ = FileManager.default.createFile(atPath: fixture.path("slow.jpg"), contents: nil)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: fixture.path("slow.jpg")))
        // The creation was one closing; the write that follows is not over.
        for _ in 0..<6 {
            try handle.write(contentsOf: Data(repeating: 1, count: 1000))
            try await Task.sleep(for: .milliseconds(20))
        }
        try handle.close()
        let whole: (WatchEvent) -> Bool = { event in
            guard case .settled(_, let status) = event else { return false }
            return status.size == 6000
        }
        try await fixture.expect { $0.contains(where: whole) }
    }

    @Test func aFileOpenedForWritingIsNotToldBeforeItIsClosed() async throws {
        var settings = WatchFixture.quick
        settings.openSettle = .seconds(600)
        let fixture = try await WatchFixture(settings: settings)
        let descriptor = unsafe open(fixture.path("open.jpg"), O_CREAT | O_WRONLY, 0o644)
        unsafe _ = write(descriptor, "half", 4)
        try fixture.write("x", "other.jpg")
        try await fixture.expectSettled(["other.jpg"])
        try await Task.sleep(for: .milliseconds(300))
        #expect(!fixture.settled.contains("open.jpg"))
        unsafe _ = write(descriptor, "half", 4)
        close(descriptor)
        try await fixture.expectSettled(["open.jpg"])
    }

    @Test func renamesWithinAreFollowed() async throws {
        let fixture = try await WatchFixture()
        try fixture.makeFolder("sub")
        try fixture.write("x", "a.jpg")
        try await fixture.expectSettled(["a.jpg"])
        #expect(unsafe rename(fixture.path("a.jpg"), fixture.path("sub/b.jpg")) == 0)
        let moved = WatchEvent.moved(
            from: fixture.place("a.jpg"), to: fixture.place("sub/b.jpg"), isFolder: false)
        try await fixture.expect { $0.contains(moved) }
        // Twice in no time, and over another file.
        try fixture.write("y", "c.jpg")
        #expect(unsafe rename(fixture.path("sub/b.jpg"), fixture.path("d.jpg")) == 0)
        #expect(unsafe rename(fixture.path("d.jpg"), fixture.path("c.jpg")) == 0)
        let over = WatchEvent.moved(
            from: fixture.place("d.jpg"), to: fixture.place("c.jpg"), isFolder: false)
        try await fixture.expect { $0.contains(over) }
        try await fixture.expectSettled(["c.jpg"])
        #expect(!fixture.events.contains { if case .removed = $0 { true } else { false } })
    }

    @Test func renamesInAndOut() async throws {
        let fixture = try await WatchFixture()
        try Data("x".utf8).write(to: URL(fileURLWithPath: fixture.outside + "/a.jpg"))
        #expect(unsafe rename(fixture.outside + "/a.jpg", fixture.path("a.jpg")) == 0)
        try await fixture.expectSettled(["a.jpg"])
        #expect(unsafe rename(fixture.path("a.jpg"), fixture.outside + "/a.jpg") == 0)
        try await fixture.expect { $0.contains(.removed(path: fixture.place("a.jpg"))) }
    }

    @Test func aFolderMovedInIsWatchedWithItsFiles() async throws {
        let fixture = try await WatchFixture()
        try FileManager.default.createDirectory(
            atPath: fixture.outside + "/tree/deep", withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(fileURLWithPath: fixture.outside + "/tree/a.jpg"))
        try Data("x".utf8).write(to: URL(fileURLWithPath: fixture.outside + "/tree/deep/b.jpg"))
        #expect(unsafe rename(fixture.outside + "/tree", fixture.path("tree")) == 0)
        try await fixture.expectSettled(["tree/a.jpg", "tree/deep/b.jpg"])
        try fixture.write("x", "tree/deep/c.jpg")
        try await fixture.expectSettled(["tree/deep/c.jpg"])

        // Within: the watches follow without being made again.
        #expect(unsafe rename(fixture.path("tree"), fixture.path("wood")) == 0)
        let moved = WatchEvent.moved(
            from: fixture.place("tree"), to: fixture.place("wood"), isFolder: true)
        try await fixture.expect { $0.contains(moved) }
        try fixture.write("x", "wood/deep/d.jpg")
        try await fixture.expectSettled(["wood/deep/d.jpg"])
        #expect(fixture.watcher.status.watches == 3)

        // Out: nothing is told of it any more.
        #expect(unsafe rename(fixture.path("wood"), fixture.outside + "/wood") == 0)
        try await fixture.expect { $0.contains(.removed(path: fixture.place("wood"))) }
        try Data("x".utf8).write(to: URL(fileURLWithPath: fixture.outside + "/wood/deep/e.jpg"))
        try fixture.write("x", "last.jpg")
        try await fixture.expectSettled(["last.jpg"])
        #expect(!fixture.settled.contains { $0.hasSuffix("e.jpg") })
        #expect(fixture.watcher.status.watches == 1)
    }

    @Test func nestedFoldersMadeAtOnceLoseNoFile() async throws {
        let fixture = try await WatchFixture()
        var names: Set<String> = []
        for branch in 0..<20 {
            let folder = "n\(branch)/x/y/z"
            try fixture.makeFolder(folder)
            for level in ["n\(branch)", "n\(branch)/x", folder] {
                try fixture.write("x", level + "/p.jpg")
                names.insert(level + "/p.jpg")
            }
        }
        try await fixture.expectSettled(names)
    }

    @Test func deletionsAreTold() async throws {
        let fixture = try await WatchFixture { folder in
            try FileManager.default.createDirectory(
                atPath: folder + "/sub", withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/sub/a.jpg"))
        }
        try FileManager.default.removeItem(atPath: fixture.path("sub"))
        try await fixture.expect {
            $0.contains(.removed(path: fixture.place("sub/a.jpg")))
                && $0.contains(.removed(path: fixture.place("sub")))
        }
        #expect(fixture.settled.isEmpty)
        // Another folder of the same name is watched again.
        try fixture.makeFolder("sub")
        try fixture.write("x", "sub/b.jpg")
        try await fixture.expectSettled(["sub/b.jpg"])
    }

    @Test func excludedFoldersGetNoWatch() async throws {
        let fixture = try await WatchFixture(exclusions: ["*.tmp", "sub/raw"]) { folder in
            for name in ["@eaDir", ".git/objects", ".Trash-1000", "sub/raw/deep"] {
                try FileManager.default.createDirectory(
                    atPath: folder + "/" + name, withIntermediateDirectories: true)
            }
        }
        #expect(fixture.watcher.status.watches == 2)  // the root and sub
        try fixture.makeFolder("other/.git")
        for name in [".git/x", "@eaDir/a.jpg", "sub/raw/a.jpg", "a.tmp", "other/.git/a.jpg"] {
            try fixture.write("x", name)
        }
        try fixture.write("x", "a.jpg")
        try await fixture.expectSettled(["a.jpg"])
        // A download under a name that is left out, then renamed to its own.
        #expect(unsafe rename(fixture.path("a.tmp"), fixture.path("b.jpg")) == 0)
        try await fixture.expectSettled(["b.jpg"])
        #expect(Set(fixture.settled) == ["a.jpg", "b.jpg"])
        #expect(unsafe rename(fixture.path("b.jpg"), fixture.path("b.tmp")) == 0)
        try await fixture.expect { $0.contains(.removed(path: fixture.place("b.jpg"))) }
    }

    @Test func linksAreNotFollowed() async throws {
        let fixture = try await WatchFixture()
        try fixture.makeFolder("sub")
        try FileManager.default.createSymbolicLink(
            atPath: fixture.path("sub/loop"), withDestinationPath: fixture.folder)
        try FileManager.default.createSymbolicLink(
            atPath: fixture.path("away"), withDestinationPath: fixture.outside)
        try FileManager.default.createSymbolicLink(
            atPath: fixture.path("link.jpg"), withDestinationPath: fixture.path("sub/a.jpg"))
        #expect(unsafe mkfifo(fixture.path("pipe.jpg"), 0o600) == 0)
        try fixture.write("x", "sub/a.jpg")
        try Data("x".utf8).write(to: URL(fileURLWithPath: fixture.outside + "/b.jpg"))
        // A second name of the same file is a file.
        #expect(unsafe link(fixture.path("sub/a.jpg"), fixture.path("hard.jpg")) == 0)
        try await fixture.expectSettled(["sub/a.jpg", "hard.jpg"])
        #expect(Set(fixture.settled) == ["sub/a.jpg", "hard.jpg"])
        #expect(fixture.watcher.status.watches == 2)
    }

    @Test func overflowAsksForAComparison() async throws {
        let fixture = try await WatchFixture()
        try fixture.makeFolder("sub")
        fixture.watcher.simulateOverflow()
        try await fixture.expect {
            $0.contains(.rescan(folder: fixture.place(""), reason: .overflow))
        }
        #expect(fixture.watcher.status.overflows == 1)
        try fixture.write("x", "sub/a.jpg")
        try await fixture.expectSettled(["sub/a.jpg"])
        #expect(fixture.watcher.status.watches == 2)
    }

    @Test func thousandsOfFilesAreAllTold() async throws {
        let fixture = try await WatchFixture()
        var names: Set<String> = []
        for folder in 0..<10 {
            try fixture.makeFolder("f\(folder)")
            for file in 0..<500 {
                let name = "f\(folder)/\(file).jpg"
                let descriptor = unsafe open(fixture.path(name), O_CREAT | O_WRONLY, 0o644)
                unsafe _ = write(descriptor, "x", 1)
                close(descriptor)
                names.insert(name)
            }
        }
        try await fixture.expect { events in
            // A slow machine may lose events: then the comparison finds the files.
            Set(fixture.settled) == names
                || events.contains(.rescan(folder: fixture.place(""), reason: .overflow))
        }
    }

    @Test func beyondTheLimitFoldersArePolled() async throws {
        var settings = WatchFixture.quick
        settings.watchLimit = 2
        settings.pollInterval = .milliseconds(50)
        let fixture = try await WatchFixture(settings: settings) { folder in
            for name in ["a/b", "c"] {
                try FileManager.default.createDirectory(
                    atPath: folder + "/" + name, withIntermediateDirectories: true)
            }
        }
        let status = fixture.watcher.status
        #expect(status.watches == 2 && status.polled.count == 1)
        let polled = try #require(status.polled.first)
        try await fixture.expect {
            $0.filter { $0 == .rescan(folder: polled, reason: .polling) }.count > 1
        }
        #expect(
            fixture.events.filter { $0 == .polling(folder: polled, reason: .watchLimit) }.count
                == 1)
    }

    @Test func aLostRootIsFoundAgain() async throws {
        let fixture = try await WatchFixture()
        #expect(unsafe rename(fixture.folder, fixture.outside + "/gone") == 0)
        try await fixture.expect { $0.contains(.rootLost(path: fixture.place(""))) }
        #expect(unsafe rename(fixture.outside + "/gone", fixture.folder) == 0)
        try await fixture.expect {
            $0.contains(.rescan(folder: fixture.place(""), reason: .rootFound))
        }
        try fixture.write("x", "a.jpg")
        try await fixture.expectSettled(["a.jpg"])
    }

    @Test func namesAreBytes() async throws {
        let fixture = try await WatchFixture()
        let path = fixture.place("").appending([0xFF, 0xFE] + Array(".jpg".utf8))
        let text = path.bytes.map { CChar(bitPattern: $0) } + [0]
        close(unsafe open(text, O_CREAT | O_WRONLY, 0o644))
        try await fixture.expect {
            $0.contains { if case .settled(path, _) = $0 { true } else { false } }
        }
    }

    @Test func stoppingEndsTheEvents() async throws {
        let watcher = try FolderWatcher(roots: [])
        watcher.stop()
        watcher.stop()
        let iterator = watcher.events.makeAsyncIterator()
        #expect(await iterator.next() == nil)
    }
}
