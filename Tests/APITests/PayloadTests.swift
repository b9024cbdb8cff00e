import API
import Files
import FoundationEssentials
import Testing

/// One value of every payload with every field set, beside the name of its schema.
enum Example {
    static let odd = FilePath(bytes: Array("/p/".utf8) + [0xFF, 0x41])
    static let time = Timestamp(milliseconds: 1_795_560_600_125)
    static let assignment = Assignment(
        cluster: 3, name: "boots", distance: 0.5, second: 4, margin: 0.25)
    static let image = Image(
        id: 7, location: odd, state: .failed, error: "truncated", offline: true, width: 2,
        height: 3, size: 5, modified: time, firstSeen: time, indexedAt: time, sha256: "ab",
        assignment: assignment)
    static let neighbour = Neighbour(
        rank: 1, id: 8, location: odd, similarity: 0.75, cluster: 3)
    static let cluster = Cluster(id: 3, name: "boots", size: 9)
    static let event = Event(
        sequence: 11, time: time, kind: .moved, image: 7, location: odd, detail: "x")
    static let progress = Status.Progress(
        done: 1, pending: 2, picturesPerSecond: 3.5, secondsLeft: 4.5, lastReconciled: time,
        overflows: 5)
    static let root = Status.Root(location: odd, online: true)
    static let counts = Status.ImageCounts(indexed: 1, pending: 2, failed: 3, offline: 4)
    static let status = Status(
        version: "1", pid: 2, started: time, ready: true, activity: "idle", model: "ab",
        index: "/i", images: counts, clusters: 6, roots: [root], progress: progress)
    static let model = ModelInfo(
        sha256: "ab", path: "/m", precision: "int8", dimension: 256, clusters: 100,
        inputWidth: 28, inputHeight: 28, rule: "nearest", recipe: "v2", seed: .max, epochs: 3,
        trainedOn: 4, license: "CC0-1.0", weightBits: 7)
    static let answer = QueryAnswer(
        model: "ab", width: 2, height: 3, assignment: assignment, neighbours: [neighbour])

    static let all: [(schema: String, payload: any Codable & Sendable)] = [
        ("Image", image), ("Assignment", assignment), ("Neighbour", neighbour),
        ("NeighbourList", NeighbourList(image: 7, items: [neighbour])),
        ("PathQuery", PathQuery(odd)), ("QueryAnswer", answer),
        ("ImagePage", Page(items: [image], nextCursor: "c")), ("Cluster", cluster),
        ("ClusterPage", Page(items: [cluster], nextCursor: "c")),
        ("ClusterUpdate", ClusterUpdate(name: "n")), ("Event", event), ("Status", status),
        ("ImageCounts", counts), ("Root", root), ("Progress", progress), ("Health", Health()),
        ("RescanAnswer", RescanAnswer(sequence: 1)), ("ModelInfo", model),
        ("Problem", Problem(.busy, "d", hint: "h")),
    ]
}

struct PayloadTests {
    @Test func fieldsAreSnakeCase() throws {
        let json = String(decoding: try Coding.encode(Example.image), as: UTF8.self)
        #expect(json.contains(#""first_seen":"2026-11-24T22:50:00.125Z""#))
        #expect(json.contains(#""path":"/p/\#u{FFFD}A","path_base64":"L3Av/0E=""#))
        #expect(json.contains(#""id":7"#))
    }

    @Test func everyPayloadComesBackEqual() throws {
        func check<Payload: Codable>(_ payload: Payload) throws {
            let json = try Coding.encode(payload)
            let back = try Coding.decode(Payload.self, from: json)
            #expect(try Coding.encode(back) == json)
        }
        for (_, payload) in Example.all { try check(payload) }
    }

    @Test func absentFieldsAreLeftOut() throws {
        let cluster = String(decoding: try Coding.encode(Cluster(id: 1, size: 2)), as: UTF8.self)
        #expect(cluster == #"{"id":1,"size":2}"#)
    }

    @Test func unknownFieldsAreIgnored() throws {
        let json = Array(#"{"id":1,"size":2,"colour":"red"}"#.utf8)
        #expect(try Coding.decode(Cluster.self, from: json) == Cluster(id: 1, size: 2))
    }

    @Test(arguments: [
        (#"{"path":"/a"}"#, "/a"), (#"{"path_base64":"L2E="}"#, "/a"),
        (#"{"path":"x","path_base64":"L2E="}"#, "/a"),
    ])
    func eitherFieldNamesAPath(json: String, path: String) throws {
        let query = try Coding.decode(PathQuery.self, from: Array(json.utf8))
        #expect(query.location == FilePath(path))
    }

    @Test(arguments: ["{}", #"{"path_base64":"?"}"#, #"{"path":3}"#, ""])
    func otherQueriesAreRefused(json: String) {
        #expect(throws: DecodingError.self) {
            try Coding.decode(PathQuery.self, from: Array(json.utf8))
        }
    }
}

struct PicturePathTests {
    // Every byte a file name may have: all but zero and the slash.
    static let everyByte = FilePath(bytes: [0x2F] + (1...255).filter { $0 != 0x2F })

    @Test func bytesSurviveTheTwoFields() throws {
        let path = Self.everyByte
        #expect(FilePath(path: path.description, base64: path.base64) == path)
        #expect(path.base64 != nil)
    }

    @Test func textNeedsNoBase64() {
        #expect(FilePath("/bilder/grün \u{1F600}.png").base64 == nil)
    }

    @Test func bytesSurviveAURL() {
        let path = Self.everyByte
        let text = path.percentEncoded
        #expect(FilePath(percentEncoded: text) == path)
        #expect(text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "&") })
    }

    @Test(arguments: ["%", "%4", "%4g", "a%"])
    func aBrokenEscapeIsRefused(text: String) {
        #expect(FilePath(percentEncoded: text) == nil)
    }
}

struct TimestampTests {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000Z"), (1_795_560_600_125, "2026-11-24T22:50:00.125Z"),
        (951_827_696_001, "2000-02-29T12:34:56.001Z"),
    ])
    func isRFC3339(milliseconds: Int64, text: String) {
        let instant = Timestamp(milliseconds: milliseconds)
        #expect(instant.description == text)
        #expect(Timestamp(text) == instant)
    }

    @Test func otherTextIsRefused() {
        #expect(Timestamp("yesterday") == nil)
    }
}

struct CursorTests {
    @Test(arguments: [Int64(0), 1, 62, 63, 4_294_967_296, .max])
    func comesBack(after: Int64) {
        let cursor = Cursor(.images, after: after)
        #expect(Cursor(cursor.text, of: .images) == cursor)
        #expect(FilePath(cursor.text).percentEncoded == cursor.text)
    }

    @Test(arguments: ["", "x", "AgEAAAAAAAAAAQ", "AQEAAAAAAAAAAQAA", "ü"])
    func otherTextIsRefused(text: String) {
        #expect(Cursor(text, of: .images) == nil)
    }

    @Test func anotherListIsRefused() {
        #expect(Cursor(Cursor(.clusters, after: 5).text, of: .images) == nil)
    }
}

struct ProblemTests {
    @Test(arguments: Problem.Code.allCases)
    func theKindDecidesTheStatus(code: Problem.Code) {
        let problem = Problem(code, "It is so.", hint: "do this")
        #expect((400...599).contains(problem.status))
        #expect(problem.type == "urn:dcd:problem:\(code.rawValue)")
        #expect(!problem.title.isEmpty)
        #expect(problem.description == "It is so.: do this")
    }
}
