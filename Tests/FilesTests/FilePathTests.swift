import Files
import Foundation
import TestSupport
import Testing

struct FilePathTests {
    private func resolved(_ path: String) -> String {
        FilePath(path).withoutLinks.description
    }

    @Test(arguments: [
        ("/a/b", "/a", "b"), ("/a", "/", "a"), ("a/b/c", "a/b", "c"), ("a", ".", "a"),
        ("/a/", "/a", ""),
    ])
    func parts(path: FilePath, parent: FilePath, name: String) {
        #expect(path.parent == parent)
        #expect(path.name == Array(name.utf8))
    }

    @Test(arguments: [
        ("/a/./b//c/", "/a/b/c"), ("/a/../../b", "/b"), ("/", "/"), ("a/../b/.", "b"), ("//", "/"),
    ])
    func normalized(path: FilePath, expected: FilePath) {
        #expect(path.normalized == expected)
    }

    @Test func whatIsBelow() {
        let folder: FilePath = "/a/b"
        #expect(FilePath("/a/b/c").isBelow(folder))
        #expect(FilePath("/a/b/c").isBelow("/"))
        #expect(!FilePath("/a/bc").isBelow(folder))
        #expect(!folder.isBelow(folder))
        #expect(folder.isAtOrBelow(folder))
        #expect(FilePath("/a/b/c").isAtOrBelow(folder))
        #expect(!FilePath("/a/bc").isAtOrBelow(folder))
        #expect(folder.appending("c") == "/a/b/c")
        #expect(FilePath("/").appending("c") == "/c")
        #expect(FilePath("/a/b/c/d").moved(from: folder, to: "/x") == "/x/c/d")
    }

    @Test func bytesThatAreNotText() {
        let path = FilePath(bytes: [0x2F, 0xFF, 0x2F, 0x61])
        #expect(path.description == "/\u{FFFD}/a")
        #expect(path.parent.bytes == [0x2F, 0xFF])
        #expect(path != FilePath(path.description))
    }

    @Test func followsLinksEvenToWhatIsNotThere() throws {
        let folder = try TemporaryFolder()
        let base = resolved(folder.path)
        let files = FileManager.default
        try files.createDirectory(
            atPath: base + "/disk/photos", withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: base + "/mine", withDestinationPath: "disk")
        try files.createSymbolicLink(
            atPath: base + "/link", withDestinationPath: base + "/mine/photos/../photos")
        #expect(resolved(base + "/link") == base + "/disk/photos")
        try files.removeItem(atPath: base + "/disk")
        #expect(resolved(base + "/link") == base + "/disk/photos")
        #expect(resolved(base + "//./link/x/") == base + "/disk/photos/x")
    }

    @Test func endsWhereLinksGoInCircles() throws {
        let folder = try TemporaryFolder()
        let link = folder.path + "/loop"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: link)
        #expect(resolved(link) == link)
        #expect(resolved("/") == "/")
    }
}
