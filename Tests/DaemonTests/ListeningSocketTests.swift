import Daemon
import Files
import Foundation
import TestSupport
import Testing

/// The mask of new files is the process's, so these run one by one.
@Suite(.serialized)
struct ListeningSocketTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/dcd.sock" }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status.st_mode : 0
    }

    @Test func ownerAndGroupMayAsk() throws {
        let mask = umask(0o027)
        defer { umask(mask) }
        let socket = try ListeningSocket(binding: path)
        defer { close(socket.descriptor) }
        #expect(mode(path) == S_IFSOCK | 0o660)
        #expect(umask(0o027) == 0o027)
    }

    @Test func theFolderIsMade() throws {
        let inner = folder.path + "/new/dcd.sock"
        let socket = try ListeningSocket(binding: inner)
        defer { close(socket.descriptor) }
        #expect(mode(inner) & S_IFMT == S_IFSOCK)
    }

    @Test func aDeadSocketIsReplaced() throws {
        // Closed and not unlinked, as after kill -9.
        close(try ListeningSocket(binding: path).descriptor)
        let socket = try ListeningSocket(binding: path)
        defer { close(socket.descriptor) }
        #expect(mode(path) & S_IFMT == S_IFSOCK)
    }

    @Test func aLiveSocketIsAnError() throws {
        let socket = try ListeningSocket(binding: path)
        defer { close(socket.descriptor) }
        #expect(throws: DaemonError.socketInUse(path: path)) {
            try ListeningSocket(binding: path)
        }
        #expect(mode(path) & S_IFMT == S_IFSOCK)
    }

    @Test func aFileIsAnErrorAndStays() throws {
        try folder.write(Array("precious".utf8), to: "dcd.sock")
        #expect(throws: DaemonError.notASocket(path: path)) {
            try ListeningSocket(binding: path)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }

    @Test func aFolderIsAnError() throws {
        #expect(throws: DaemonError.notASocket(path: folder.path)) {
            try ListeningSocket(binding: folder.path)
        }
    }

    @Test(arguments: [0, 1])
    func theLongestPathFits(excess: Int) throws {
        let length = ListeningSocket.longestPath + excess
        let long = folder.path + "/" + String(repeating: "x", count: length - folder.path.count - 1)
        if excess == 0 {
            close(try ListeningSocket(binding: long).descriptor)
        } else {
            #expect(
                throws: DaemonError.socketPathTooLong(
                    path: long, limit: ListeningSocket.longestPath)
            ) { try ListeningSocket(binding: long) }
        }
    }

    @Test func aMissingParentIsAnError() throws {
        let deep = folder.path + "/a/b/dcd.sock"
        #expect(
            throws: DaemonError.system(
                SystemCallError("mkdir", FilePath(folder.path + "/a/b"), number: ENOENT))
        ) { try ListeningSocket(binding: deep) }
    }

    @Test func onlyOurOwnSocketIsUnlinked() throws {
        let first = try ListeningSocket(binding: path)
        defer { close(first.descriptor) }
        try FileManager.default.removeItem(atPath: path)
        let second = try ListeningSocket(binding: path)
        defer { close(second.descriptor) }
        first.unlinkPath()
        #expect(mode(path) & S_IFMT == S_IFSOCK)
        second.unlinkPath()
        #expect(mode(path) == 0)
    }
}
