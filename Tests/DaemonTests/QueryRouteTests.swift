import API
import Client
import Daemon
import Files
import Foundation
import TestSupport
import Testing

/// `POST /v1/query`, with bytes and with paths.
struct QueryRouteTests {
    private let daemon: TestDaemon

    init() async throws {
        daemon = try await TestDaemon()
    }

    /// Asks about a path in JSON.
    private func query(_ path: FilePath) async throws -> RawHTTP.Answer {
        try await RawHTTP.send(
            "POST", "/v1/query", body: try Coding.encode(PathQuery(path)),
            headers: ["Content-Type: application/json"], to: daemon.socket)
    }

    @Test func bytesAreAnsweredAndNotKept() async throws {
        let ids = try await daemon.add(names: ["a", "b", "c"])
        let answer = try await daemon.client.query(Array("0…".utf8), neighbours: 2)
        #expect(answer.neighbours.map(\.id) == [ids[0], ids[1]])
        #expect(answer.neighbours[0].similarity == 1)
        #expect(answer.assignment == Assignment(cluster: 0, distance: 0.25, second: 1, margin: 0.5))
        #expect(answer.model == "abc" && answer.width == 5 && answer.height == 4)
        #expect(try await daemon.client.status().images.indexed == 3)
        try await daemon.stop()
    }

    @Test func anEmptyIndexHasNoNeighbours() async throws {
        #expect(try await daemon.client.query([0x30]).neighbours.isEmpty)
        try await daemon.stop()
    }

    @Test func textIsNoPicture() async throws {
        let error = try await #require(throws: ClientError.self) {
            try await daemon.client.query(Array("hello".utf8))
        }
        guard case .problem(let problem) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(problem.code == .notAPicture && problem.status == 422)
        try await daemon.stop()
    }

    @Test func aBodyThatIsTooLargeIsNotRead() async throws {
        let answer = try await RawHTTP.send(
            "POST", "/v1/query", headers: ["Content-Length: 200000000"], to: daemon.socket)
        #expect(answer.status == 413)
        #expect(try answer.json(Problem.self).code == .tooLarge)
        try await daemon.stop()
    }

    /// curl asks first when a body is large.
    @Test func theDaemonSaysContinue() async throws {
        let body = [0x30] + [UInt8](repeating: 0, count: 3 << 20)
        let answer = try await RawHTTP.send(
            "POST", "/v1/query", body: body, headers: ["Expect: 100-continue"],
            to: daemon.socket)
        #expect(answer.status == 200)
        try await daemon.stop()
    }

    @Test func aPathInAWatchedFolderIsRead() async throws {
        let name = Array("pictures/".utf8) + [0xFF, 0x30]
        try daemon.folder.write(Array("1".utf8), toNameOf: name)
        let path = FilePath(bytes: Array((daemon.folder.path + "/").utf8) + name)
        let answer = try await query(path)
        #expect(try answer.json(QueryAnswer.self).assignment.cluster == 1)
        try await daemon.stop()
    }

    @Test func otherPathsAreRefused() async throws {
        let outside = try daemon.folder.write(Array("1".utf8), to: "outside")
        let files = FileManager.default
        let link = daemon.pictures + "/link"
        try files.createSymbolicLink(atPath: link, withDestinationPath: outside)
        let folder = daemon.pictures + "/folder"
        try files.createSymbolicLink(atPath: folder, withDestinationPath: daemon.folder.path)
        let made = unsafe mkfifo(daemon.pictures + "/pipe", 0o600)
        try #require(made == 0)
        let expected: [(String, Problem.Code)] = [
            (outside, .notWatched), ("/etc/passwd", .notWatched), ("/none", .notWatched),
            (daemon.pictures + "/../outside", .notWatched), (link, .notWatched),
            (folder + "/outside", .notWatched), (daemon.pictures + "/none", .notFound),
            (daemon.pictures + "/pipe", .notAPicture), ("relative", .badRequest),
            (daemon.pictures, .notWatched),
        ]
        for (path, code) in expected {
            let problem = try await query(FilePath(path)).json(Problem.self)
            #expect(problem.code == code, "\(path)")
        }
        try await daemon.stop()
    }
}
