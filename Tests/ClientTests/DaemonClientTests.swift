import API
import Client
import Files
import Foundation
import Synchronization
import TestSupport
import Testing

struct DaemonClientTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path("s") }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func client(_ paths: String...) -> DaemonClient {
        DaemonClient(SocketPlaces(named: paths.first ?? path, environment: [:]))
    }

    private func server(_ answers: [UInt8]...) throws -> CannedServer {
        try CannedServer(at: path, answers: answers)
    }

    // MARK: - Requests

    @Test func aPathIsAskedForByItsBytes() async throws {
        let image = Image(
            id: 7, location: FilePath("/p"), state: .pending, size: 1,
            modified: Timestamp(milliseconds: 0), firstSeen: Timestamp(milliseconds: 0))
        let page = String(decoding: try Coding.encode(Page(items: [image])), as: UTF8.self)
        let server = try server(CannedServer.answer(200, page))
        let odd = FilePath(bytes: Array("/a b&%".utf8) + [0xFF])
        #expect(try await client().image(at: odd) == image)
        #expect(server.requests[0].hasPrefix("GET /v1/images?path=/a%20b%26%25%FF HTTP/1.1\r\n"))
    }

    @Test func aPictureIsSentAsItIs() async throws {
        let server = try server(CannedServer.answer(200, "{}"))
        await #expect(throws: ClientError.self) {
            try await client().query(Array("picture".utf8), neighbours: 3)
        }
        #expect(server.requests[0].hasPrefix("POST /v1/query?limit=3 HTTP/1.1\r\n"))
        #expect(server.requests[0].contains("content-type: application/octet-stream\r\n"))
        #expect(server.requests[0].hasSuffix("\r\n\r\npicture"))
    }

    @Test func allPagesAreRead() async throws {
        let pages = [
            #"{"items":[{"id":0,"size":1}],"next_cursor":"abc"}"#,
            #"{"items":[{"id":1,"size":2}]}"#,
        ]
        let server = try server(
            CannedServer.answer(200, pages[0]), CannedServer.answer(200, pages[1]))
        #expect(
            try await client().clusters() == [Cluster(id: 0, size: 1), Cluster(id: 1, size: 2)])
        #expect(server.requests[1].hasPrefix("GET /v1/clusters?limit=1000&cursor=abc "))
    }

    @Test func eventsComeLineByLine() async throws {
        let lines = (1...3).map {
            #"{"sequence":\#($0),"time":"2026-11-24T22:50:00.125Z","kind":"indexed"}"# + "\n"
        }
        let text = lines.joined()
        let (head, tail) = (String(text.prefix(90)), String(text.dropFirst(90)))
        let server = try server(CannedServer.chunked([head, tail]))
        let seen = Mutex<[Int64]>([])
        let keep: @Sendable (Event, [UInt8]) -> Void = { event, line in
            #expect(Array(lines[Int(event.sequence) - 1].utf8) == line + [10])
            seen.withLock { $0.append(event.sequence) }
        }
        try await client().events(after: 4, follow: true, keep)
        #expect(seen.withLock { $0 } == [1, 2, 3])
        #expect(server.requests[0].hasPrefix("GET /v1/events?after=4&follow=true "))
    }

    // MARK: - Failures

    @Test func theDaemonsWordsAreKept() async throws {
        let problem = Problem(.notFound, "there is no picture 7", hint: "look again")
        let json = String(decoding: try Coding.encode(problem), as: UTF8.self)
        _ = try server(CannedServer.answer(404, json))
        await #expect(throws: ClientError.problem(problem)) { try await client().image(id: 7) }
    }

    @Test func anotherProgramIsTold() async throws {
        let answers = [
            CannedServer.answer(200, "<html>"), CannedServer.answer(500, "oops"),
            Array("SSH-2.0-OpenSSH_9.2\r\n".utf8),
        ]
        for (place, answer) in answers.enumerated() {
            let socket = folder.path("\(place)")
            let server = try CannedServer(at: socket, answers: [answer])
            let error = try await #require(throws: ClientError.self) {
                try await client(socket).status()
            }
            #expect(error.description.contains("'\(server.path)'"))
            #expect(!error.description.contains("\n"))
        }
    }

    @Test func aTruncatedAnswerIsNoAnswer() async throws {
        _ = try server(CannedServer.chunked(["{"], isWhole: false))
        let error = try await #require(throws: ClientError.self) {
            try await client().status()
        }
        guard case .connectionLost = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test func nothingThereMeansNotRunning() async throws {
        await #expect(throws: ClientError.notRunning(tried: [path])) {
            try await client().status()
        }
    }

    @Test func aDeadSocketMeansNotRunning() async throws {
        close(try CannedServer.listen(path))
        await #expect(throws: ClientError.notRunning(tried: [path])) {
            try await client().status()
        }
    }

    @Test func aLongPathMeansNotRunning() async throws {
        let long = folder.path(String(repeating: "x", count: 200))
        await #expect(throws: ClientError.notRunning(tried: [long])) {
            try await client(long).status()
        }
    }

    /// Root is never refused.
    @Test(.enabled(if: geteuid() != 0, "this test cannot be run by root"))
    func aRefusedSocketIsTold() async throws {
        _ = try server(CannedServer.answer(200, "{}"))
        #expect(unsafe chmod(path, 0) == 0)
        await #expect(throws: ClientError.notAllowed(socket: path)) {
            try await client().status()
        }
    }
}

struct SocketPlacesTests {
    @Test func theNamedOneIsTheOnlyOne() {
        let environment = ["DCD_SOCKET": "/b", "XDG_RUNTIME_DIR": "/run/user/7"]
        #expect(SocketPlaces(named: "/a", environment: environment).paths == ["/a"])
        #expect(SocketPlaces(named: nil, environment: environment).paths == ["/b"])
    }

    @Test func theUsersComesBeforeTheSystems() {
        let places = SocketPlaces(
            named: nil, environment: ["DCD_SOCKET": "", "XDG_RUNTIME_DIR": "/run/user/7"])
        #expect(places.paths == ["/run/user/7/dcd/dcd.sock", "/run/dcd/dcd.sock"])
        #expect(SocketPlaces(named: nil, environment: [:]).paths == ["/run/dcd/dcd.sock"])
    }

    @Test(arguments: [
        (["/run/user/7/dcd/dcd.sock", "/run/dcd/dcd.sock"], "systemctl --user start dcd"),
        (["/run/dcd/dcd.sock"], "sudo systemctl start dcd"), (["/x"], "dcd --config FILE"),
    ])
    func theSentenceNamesPlacesAndTheCommand(tried: [String], command: String) {
        let sentence = ClientError.notRunning(tried: tried).description
        #expect(tried.allSatisfy { sentence.contains("'\($0)'") })
        #expect(sentence.contains("'\(command)'"))
    }
}
