import Files
import Foundation
import Imaging
import TestSupport
import Testing

struct PictureListTests {
    @Test func aFolderIsWalkedInTheOrderOfBytes() throws {
        let folder = try TemporaryFolder()
        for name in ["b/2.jpg", "a/9.jpg", "B/1.jpg", "a/deep/er/1.jpg", "top.png", "a.jpg"] {
            try folder.write([1], to: name)
        }
        let list = try PictureList(at: folder.path)
        #expect(
            list.entries.map(\.display)
                == ["B/1.jpg", "a.jpg", "a/9.jpg", "a/deep/er/1.jpg", "b/2.jpg", "top.png"])
        #expect(list.labelNames == ["B", "a", "b"])
        #expect(list.entries.map(\.label) == [0, nil, 1, 1, 2, nil])
        #expect(list.entries[0].path == "\(folder.path)/B/1.jpg")
        #expect(try PictureList(at: folder.path + "/") == list)
    }

    @Test func whatIsHiddenLinkedOrNoFileIsPassedOver() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], to: "seen")
        try folder.write([1], to: ".hidden")
        try folder.write([1], to: ".git/seen-not")
        let files = FileManager.default
        try files.createSymbolicLink(
            atPath: folder.path("loop"), withDestinationPath: folder.path)
        try files.createSymbolicLink(
            atPath: folder.path("link"), withDestinationPath: folder.path("seen"))
        try folder.makePipe("pipe")
        #expect(try PictureList(at: folder.path).entries.map(\.display) == ["seen"])
    }

    @Test func namesThatAreNotTextAreKeptAsBytes() throws {
        let folder = try TemporaryFolder()
        let name: [UInt8] = [0x63, 0x61, 0x66, 0xE9]  // café in Latin 1
        let path = FilePath(folder.path).appending(name)
        try folder.write([], toNameOf: name)
        let entry = try #require(try PictureList(at: folder.path).entries.first)
        #expect(entry.path == path)
        #expect(entry.name == name)
        #expect(entry.display == "caf\u{FFFD}")
        #expect(throws: ImagingError.empty) { try Picture(contentsOf: entry.path) }
    }

    @Test func aTextFileKeepsItsOrder() throws {
        let folder = try TemporaryFolder()
        let text = "b/2.jpg\r\n\n   \n/absolute/x.png\na/1.jpg\nplain.jpg"
        let file = try folder.write(Array(text.utf8), to: "list.txt")
        let list = try PictureList(at: file)
        #expect(
            list.entries.map(\.display) == ["b/2.jpg", "/absolute/x.png", "a/1.jpg", "plain.jpg"])
        #expect(list.entries[0].path == FilePath(folder.path("b/2.jpg")))
        #expect(list.entries[1].path == "/absolute/x.png")
        #expect(list.labelNames == ["a", "absolute", "b"])
        #expect(list.entries.map(\.label) == [2, 1, 0, nil])
    }

    @Test func theDigestTellsNamesAndNotPlaces() throws {
        let (one, other) = (try TemporaryFolder(), try TemporaryFolder())
        for folder in [one, other] { try folder.write([1], to: "a/1.jpg") }
        let digest = try PictureList(at: one.path).digest
        #expect(digest.count == 64)
        #expect(try PictureList(at: other.path).digest == digest)
        try other.write([1], to: "a/2.jpg")
        #expect(try PictureList(at: other.path).digest != digest)
    }

    @Test func badListsAreToldByName() throws {
        let folder = try TemporaryFolder()
        #expect(throws: ImagingError.emptyList(path: folder.path)) {
            try PictureList(at: folder.path)
        }
        let missing = folder.path("missing")
        #expect(throws: ImagingError.noSuchList(path: missing)) { try PictureList(at: missing) }
        let picture = try folder.write([0xFF, 0xD8, 0xFF, 0, 10], to: "x.jpg")
        #expect(throws: ImagingError.emptyList(path: picture)) { try PictureList(at: picture) }
        #expect(ImagingError.emptyList(path: "x").description.hasPrefix("x: "))
    }
}

struct PictureFileTests {
    @Test func whatIsNoFileIsRefusedWithoutBlocking() throws {
        let folder = try TemporaryFolder()
        let pipe = try folder.makePipe("pipe")
        for path in [pipe, folder.path] {
            #expect(throws: ImagingError.notARegularFile(path: path)) {
                try Picture(contentsOf: FilePath(path))
            }
        }
        let missing = FilePath(folder.path("missing"))
        let error = SystemCallError("open", missing, number: ENOENT)
        #expect(throws: ImagingError.unreadable(error)) {
            try Picture(contentsOf: missing)
        }
    }

    @Test func linksAreFollowedOnlyWhereAsked() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], to: "file")
        let link = folder.path("link")
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: folder.path("file"))
        #expect(throws: ImagingError.notARegularFile(path: link)) {
            _ = try PictureFile.open(FilePath(link))
        }
        let file = try PictureFile.open(FilePath(link), followingLinks: true)
        #expect(try PictureFile.read(file) == [1])
    }

    @Test func limitsAreCheckedBeforeReading() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write([UInt8](repeating: 0xFF, count: 11), to: "file")
        let limits = DecodeLimits(maxPixels: 100, maxFileBytes: 10)
        #expect(throws: ImagingError.fileTooLarge(bytes: 11, limit: 10)) {
            try Picture(contentsOf: FilePath(file), limits: limits)
        }
        #expect(throws: ImagingError.empty) { try Picture(decoding: []) }
        #expect(throws: ImagingError.notAPicture) { try Picture(decoding: [1, 2, 3]) }
    }
}
