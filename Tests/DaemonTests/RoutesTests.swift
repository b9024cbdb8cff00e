import API
import Catalog
import Client
import Daemon
import Files
import Foundation
import Testing

/// Every route, through a real Unix socket.
struct RoutesTests {
    private let daemon: TestDaemon

    init() async throws {
        daemon = try await TestDaemon()
    }

    private func get(_ target: String) async throws -> RawHTTP.Answer {
        try await RawHTTP.send("GET", target, to: daemon.socket)
    }

    private func problem(
        _ method: String, _ target: String, body: [UInt8] = [], headers: [String] = []
    ) async throws -> Problem {
        let answer = try await RawHTTP.send(
            method, target, body: body, headers: headers, to: daemon.socket)
        #expect(answer.headers["content-type"] == Problem.mediaType)
        let problem = try answer.json(Problem.self)
        #expect(problem.status == answer.status)
        return problem
    }

    // MARK: - The daemon itself

    @Test func everyRouteHasAHandler() async throws {
        for route in Route.allCases {
            let answer = try await RawHTTP.send(
                route.method, route.path(id: 1), to: daemon.socket)
            let code = try? answer.json(Problem.self).code
            #expect(code != .unknownRoute && code != .methodNotAllowed, "\(route)")
            #expect(answer.status != 500, "\(route)")
        }
        try await daemon.stop()
    }

    @Test func theDescriptionIsServed() async throws {
        let answer = try await get("/openapi.json")
        #expect(answer.text == OpenAPI.document)
        #expect(answer.headers["content-type"] == "application/json")
        try await daemon.stop()
    }

    @Test func readinessSaysWhy() async throws {
        #expect(try await get("/readyz").status == 200)
        daemon.readiness.change(to: .starting("warming up the model"))
        let answer = try await get("/readyz")
        #expect(answer.status == 503)
        #expect(answer.headers["retry-after"] == "1")
        #expect(
            try answer.json(Problem.self).detail == "the daemon is warming up the model")
        #expect(try await get("/healthz").status == 200)
        #expect(try await problem("POST", "/v1/query", body: [0x30]).code == .notReady)
        try await daemon.stop()
    }

    @Test func statusCountsPictures() async throws {
        try await daemon.add(names: ["a", "b"])
        let status = try await daemon.client.status()
        #expect(status.images.indexed == 2)
        #expect(status.roots.map(\.path) == [daemon.pictures])
        #expect(status.started == TestDaemon.started)
        #expect(status.activity == "watching")
        #expect(status.model == "abc")
        #expect(status.clusters == 2)
        try await daemon.stop()
    }

    @Test func theModelIsDescribed() async throws {
        #expect(try await get("/v1/model").json(ModelInfo.self) == TestDaemon.model)
        try await daemon.stop()
    }

    @Test func metricsCountRequests() async throws {
        try await daemon.add(names: ["a"])
        _ = try await get("/v1/status")
        let text = try await get("/metrics").text
        #expect(text.contains("dcd_images{state=\"indexed\"} 1\n"))
        #expect(
            text.contains(
                "dcd_http_requests_total{method=\"GET\",route=\"/v1/status\",status=\"200\"} 1\n"))
        try await daemon.stop()
    }

    @Test func rescanIsPassedOn() async throws {
        let answer = try await RawHTTP.send("POST", "/v1/rescan", to: daemon.socket)
        #expect(answer.status == 202)
        #expect(try await daemon.catalog.roots()[0].reconciledAt != nil)
        try await daemon.stop()
    }

    // MARK: - Pictures

    @Test func aPictureHasItsFields() async throws {
        let id = try await daemon.add(names: ["a"])[0]
        let image = try await daemon.client.image(id: id)
        #expect(image.path == daemon.pictures + "/a")
        #expect(image.pathBase64 == nil)
        #expect(image.state == .indexed)
        #expect(image.modified == TestDaemon.started)
        #expect(image.width == 5 && image.height == 4 && image.size == 7)
        #expect(image.assignment?.cluster == 0 && image.assignment?.second == 1)
        #expect(!image.offline)
        try await daemon.stop()
    }

    @Test func picturesComeInPages() async throws {
        let ids = try await daemon.add(names: (0..<7).map { "\($0)" })
        var found: [Int64] = []
        var target = "/v1/images?limit=3"
        while true {
            let page = try await get(target).json(Page<Image>.self)
            #expect(page.items.count <= 3)
            found += page.items.map(\.id)
            guard let cursor = page.nextCursor else { break }
            target = "/v1/images?limit=3&cursor=\(cursor)"
        }
        #expect(found == ids)
        try await daemon.stop()
    }

    @Test func aFullLastPageHasNoCursor() async throws {
        try await daemon.add(names: ["a", "b"])
        let page = try await get("/v1/images?limit=2").json(Page<Image>.self)
        #expect(page.items.count == 2 && page.nextCursor == nil)
        try await daemon.stop()
    }

    @Test func picturesAreFilteredByState() async throws {
        try await daemon.add(names: ["a"])
        #expect(
            try await get("/v1/images?state=indexed").json(Page<Image>.self).items.count == 1)
        #expect(try await get("/v1/images?state=failed").json(Page<Image>.self).items.isEmpty)
        #expect(try await problem("GET", "/v1/images?state=lost").code == .badRequest)
        try await daemon.stop()
    }

    @Test func aPathOfAnyBytesComesAndGoes() async throws {
        let name = [UInt8](1...255).filter { $0 != 0x2F }
        let path = FilePath(daemon.pictures).appending(name)
        let id = try await daemon.add([path])[0]
        let image = try await daemon.client.image(at: path)
        #expect(image.id == id)
        #expect(image.location == path)
        #expect(image.pathBase64 != nil)
        try await daemon.stop()
    }

    @Test func neighboursComeNearestFirst() async throws {
        let ids = try await daemon.add(names: ["a", "b", "c"])
        let list = try await daemon.client.neighbours(of: ids[0])
        #expect(list.items.map(\.id) == [ids[1], ids[2]])
        #expect(list.items.map(\.rank) == [1, 2])
        #expect(abs(list.items[0].similarity - cos(0.1)) < 1e-5)
        #expect(list.items[0].cluster == 0)
        try await daemon.stop()
    }

    // MARK: - Clusters

    @Test func clustersHaveSizesAndNames() async throws {
        try await daemon.add(names: ["a", "b"])
        #expect(
            try await daemon.client.clusters() == [
                Cluster(id: 0, size: 2), Cluster(id: 1, size: 0),
            ]
        )
        let renamed = try await daemon.client.rename(cluster: 1, to: "boots")
        #expect(renamed == Cluster(id: 1, name: "boots", size: 0))
        #expect(try await daemon.client.cluster(1).name == "boots")
        _ = try await daemon.client.rename(cluster: 0, to: "shoes")
        let answer = try await daemon.client.query([0x31])
        #expect(answer.assignment.name == "boots")
        #expect(try await daemon.client.rename(cluster: 1, to: "").name == nil)
        try await daemon.stop()
    }

    @Test(arguments: [#"{"name":"a\nb"}"#, #"{"name":"\#(String(repeating: "x", count: 201))"}"#])
    func someNamesAreRefused(body: String) async throws {
        let problem = try await problem("PATCH", "/v1/clusters/0", body: Array(body.utf8))
        #expect(problem.code == .badRequest)
        try await daemon.stop()
    }

    @Test(arguments: [
        ("", "another form"), ("{}", "'name' is missing"), (#"{"name":3}"#, "'name'"),
    ])
    func theBodyOfANameIsChecked(body: String, detail: String) async throws {
        let problem = try await problem("PATCH", "/v1/clusters/0", body: Array(body.utf8))
        #expect(problem.code == .badRequest)
        #expect(detail == "another form" || problem.detail.contains(detail))
        try await daemon.stop()
    }

    @Test func picturesOfAClusterComeInPagesNearestFirst() async throws {
        let ids = try await daemon.add(names: (0..<5).map { "\($0)" })
        var target = "/v1/clusters/0/images?limit=2"
        var found: [Int64] = []
        while true {
            let page = try await get(target).json(Page<Image>.self)
            found += page.items.map(\.id)
            guard let cursor = page.nextCursor else { break }
            target = "/v1/clusters/0/images?limit=2&cursor=\(cursor)"
        }
        #expect(found == ids)
        #expect(try await daemon.client.images(inCluster: 1).isEmpty)
        #expect(try await daemon.client.images(inCluster: 0, limit: 3).count == 3)
        try await daemon.stop()
    }

    @Test func aCursorWhosePictureLeftIsRefused() async throws {
        let ids = try await daemon.add(names: ["a", "b", "c"])
        let page = try await get("/v1/clusters/0/images?limit=1").json(Page<Image>.self)
        let cursor = try #require(page.nextCursor)
        try await daemon.catalog.remove([ids[0]])
        let problem = try await problem("GET", "/v1/clusters/0/images?cursor=\(cursor)")
        #expect(problem.code == .badRequest)
        try await daemon.stop()
    }

    // MARK: - Problems

    @Test(arguments: [
        ("GET", "/v1/images/9999", Problem.Code.notFound),
        ("GET", "/v1/images/9999/neighbours", .notFound),
        ("GET", "/v1/images?path=/none", .notFound), ("GET", "/v1/clusters/99", .notFound),
        ("GET", "/v1/clusters/99/images", .notFound), ("GET", "/v1/images/x", .badRequest),
        ("GET", "/v1/clusters/-1", .notFound), ("GET", "/v1/images?limit=0", .badRequest),
        ("GET", "/v1/images?limit=1001", .badRequest), ("GET", "/v1/images?limit=x", .badRequest),
        ("GET", "/v1/images?cursor=x", .badRequest),
        ("GET", "/v1/clusters?cursor=AQEAAAAAAAAAAQ", .badRequest),
        ("GET", "/v1/images?path=%4", .badRequest), ("GET", "/v1/events?after=-1", .badRequest),
        ("GET", "/v1/events?follow=maybe", .badRequest), ("GET", "/", .unknownRoute),
        ("GET", "/v2/status", .unknownRoute), ("POST", "/v1/status", .methodNotAllowed),
        ("DELETE", "/v1/images/7", .methodNotAllowed), ("GET", "/v1/query", .methodNotAllowed),
        ("POST", "/v1/query", .badRequest),
    ])
    func eachProblemHasItsCode(method: String, target: String, code: Problem.Code) async throws {
        let problem = try await problem(method, target)
        #expect(problem.code == code)
        #expect(problem.hint != nil)
        try await daemon.stop()
    }

    @Test func aHeadRequestHasNoBody() async throws {
        let answer = try await RawHTTP.send("HEAD", "/healthz", to: daemon.socket)
        #expect(answer.status == 200 && answer.body.isEmpty)
        try await daemon.stop()
    }

    @Test func otherBytesAreRefused() async throws {
        let answer = try await RawHTTP.send("nonsense", "\u{1}", to: daemon.socket)
        #expect(answer.status == 400)
        try await daemon.stop()
    }
}
