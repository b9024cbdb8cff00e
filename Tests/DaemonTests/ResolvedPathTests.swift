import Daemon
import Foundation
import TestSupport
import Testing

struct ResolvedPathTests {
    private func resolved(_ path: String) -> String {
        String(decoding: resolvedPath(Array(path.utf8)), as: UTF8.self)
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
