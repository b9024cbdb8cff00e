import Files
import FolderWatch
import Foundation
import Testing

struct FolderWalkTests {
    @Test func findsRegularFilesOnly() throws {
        let root = NSTemporaryDirectory() + "walk-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        for folder in ["a/b", ".git", "z", "node_modules/x", "a/skip"] {
            try FileManager.default.createDirectory(
                atPath: root + "/" + folder, withIntermediateDirectories: true)
        }
        let files = [
            "1", "a/2", "a/b/3", "z/4", ".git/5", "node_modules/x/6", "a/skip/7", ".hidden",
        ]
        for file in files {
            try Data("four".utf8).write(to: URL(fileURLWithPath: root + "/" + file))
        }
        try FileManager.default.createSymbolicLink(
            atPath: root + "/loop", withDestinationPath: root)
        #expect(unsafe mkfifo(root + "/pipe", 0o600) == 0)
        let walk = FolderWalk(
            folder: FilePath(root), root: FilePath(root), exclusions: Exclusions(["/a/skip/"]))
        var found: Set<String> = []
        for element in walk {
            guard case .file(let path, let status) = element else {
                Issue.record("\(element)")
                continue
            }
            #expect(status.size == 4 && status.inode != 0 && status.modified > 0)
            found.insert(String(path.description.dropFirst(root.count + 1)))
        }
        #expect(found == ["1", "a/2", "a/b/3", "z/4", ".hidden"])
    }

    @Test func tellsOfARootThatIsNotThere() {
        let path: FilePath = "/no/such/folder"
        let found = Array(FolderWalk(folder: path, root: path, exclusions: Exclusions()))
        guard case .unreadable(let named, let error) = found.first, named == path else {
            Issue.record("\(found)")
            return
        }
        #expect(error.isAbsence && found.count == 1)
    }

    @Test(arguments: [
        ("/r/.git", true), ("/r/a/.git", true), ("/r/git", false), ("/r/.Trash-1000", true),
        ("/r/a/b.tmp", true), ("/r/raw/x", true), ("/r/a/raw/x", false), ("/r/#recycle", true),
    ])
    func patterns(path: FilePath, isExcluded: Bool) {
        let exclusions = Exclusions(["*.tmp", "raw/x"])
        #expect(
            exclusions.excludes(path, root: "/r") == isExcluded)
        #expect(
            exclusions.excludesAnywhere(path.appending("y/z"), root: "/r")
                == isExcluded)
    }
}
