import Files
import Foundation
import TestSupport
import Testing

struct OpenFileTests {
    @Test func readsFromAnywhereAsMuchAsThereIs() throws {
        let folder = try TemporaryFolder()
        let file = try OpenFile(reading: FilePath(folder.write(Array("abcdef".utf8), to: "a")))
        #expect(try file.bytes(at: 2, count: 3) == Array("cde".utf8))
        #expect(try file.bytes(at: 4, count: 10) == Array("ef".utf8))
        #expect(try file.bytes(at: 9, count: 1).isEmpty)
        #expect(try file.bytes(count: 0).isEmpty)
        #expect(try file.remainingBytes() == Array("abcdef".utf8))
    }

    @Test func tellsWhatLiesAtAPath() throws {
        let folder = try TemporaryFolder()
        let path = FilePath(try folder.write([1, 2, 3], to: "file"))
        let link = FilePath(folder.path("link"))
        try FileManager.default.createSymbolicLink(
            atPath: link.description, withDestinationPath: "file")
        let pipe = FilePath(try folder.makePipe("pipe"))
        #expect(try FileStatus(of: path).kind == .regular)
        #expect(try FileStatus(of: path).identity.size == 3)
        #expect(try FileStatus(of: link).kind == .link)
        #expect(try FileStatus(of: link, followingLinks: true) == FileStatus(of: path))
        #expect(try FileStatus(of: pipe).kind == .other)
        // A pipe without a writer does not block.
        #expect(try OpenFile(reading: pipe).status().kind == .other)
        #expect(FileIdentity(ofFileAt: path) != nil && FileIdentity(ofFileAt: link) == nil)
        #expect(!FileStatus.exists(at: FilePath(folder.path("none"))))
        let error = #expect(throws: SystemCallError.self) {
            try OpenFile(reading: link, followingLinks: false)
        }
        #expect(error?.isLoop == true)
    }

    @Test func aFolderTellsItsNamesInOrder() throws {
        let folder = try TemporaryFolder()
        for name in ["b", "a", ".c"] { try folder.write([], to: name) }
        try folder.write([], to: "d/e")
        try folder.write([], toNameOf: [0xFF])
        let items = try Folder.items(of: FilePath(folder.path))
        #expect(items.map(\.name) == [".c", "a", "b", "d"].map { Array($0.utf8) } + [[0xFF]])
        let kind = items[3].kind
        #expect(kind == .folder || kind == nil)
    }

    @Test func foldersAreMadeWithThoseAbove() throws {
        let folder = try TemporaryFolder()
        let inner = FilePath(folder.path("a/b/c"))
        #expect(try Folder.make(inner) == [inner.parent.parent, inner.parent, inner])
        #expect(try Folder.make(inner).isEmpty)
        try folder.write([], to: "file")
        #expect(throws: SystemCallError.self) { try Folder.make(FilePath(folder.path("file/x"))) }
    }

    @Test func aFileAppearsWholeOrNotAtAll() throws {
        let folder = try TemporaryFolder()
        let path = FilePath(try folder.write(Array("old".utf8), to: "a"))
        struct Failure: Error {}
        try DurableFile.write("new", to: path)
        #expect(try OpenFile(reading: path).remainingBytes() == Array("new".utf8))
        let error = SystemCallError("write", path, number: 28)
        #expect(throws: error) {
            try DurableFile.write(to: path) { (file) throws(SystemCallError) in
                try file.append([1, 2, 3] as [UInt8])
                throw error
            }
        }
        #expect(try OpenFile(reading: path).remainingBytes() == Array("new".utf8))
        #expect(try Folder.items(of: FilePath(folder.path)).map(\.name) == [Array("a".utf8)])
    }
}
