package import API
package import Catalog
package import Hummingbird
import NIOCore

/// What the routes answer from.
package struct Routes: Sendable {
    /// The index.
    let catalog: ImageCatalog
    /// The model that makes embeddings of queries.
    let embedder: any PictureEmbedder
    /// The model's description.
    let model: ModelInfo
    /// Whether queries are answered.
    let readiness: Readiness
    /// What keeps the index equal to the folders.
    let indexing: any FolderIndexing
    /// When the daemon started.
    let started: Timestamp
    /// What was counted.
    let metrics: MetricsRegistry
    /// Room for queries.
    let slots = QuerySlots()

    /// Routes that answer from all this.
    package init(
        catalog: ImageCatalog, embedder: any PictureEmbedder, model: ModelInfo,
        indexing: any FolderIndexing, readiness: Readiness, metrics: MetricsRegistry,
        started: Timestamp = .now
    ) {
        self.catalog = catalog
        self.embedder = embedder
        self.model = model
        self.readiness = readiness
        self.metrics = metrics
        self.started = started
        self.indexing = indexing
    }

    /// The router with every route of the API.
    package func responder() -> some HTTPResponder<BasicRequestContext> {
        let router = Router(options: .autoGenerateHeadEndpoints)
        router.add(middleware: Problems(metrics: metrics))
        for route in Route.allCases {
            router.on(
                RouterPath(route.template), method: .init(route.method)!,
                use: handler(route))
        }
        return router.buildResponder()
    }

    typealias Handler = @Sendable (Request, BasicRequestContext) async throws -> Response

    private func handler(_ route: Route) -> Handler {
        switch route {
        case .query: query
        case .images: images
        case .image: image
        case .imageNeighbours: imageNeighbours
        case .clusters: clusters
        case .cluster: cluster
        case .clusterImages: clusterImages
        case .renameCluster: renameCluster
        case .events: events
        case .status: status
        case .model: { _, _ in try Self.json(model) }
        case .rescan: rescan
        case .healthz: { _, _ in try Self.json(Health()) }
        case .readyz: readyz
        case .metrics: metrics
        case .openAPI: { _, _ in Self.text(OpenAPI.document, "application/json") }
        }
    }

    // MARK: - Answers

    /// An answer of JSON.
    static func json(
        _ payload: some Encodable, status: HTTPResponse.Status = .ok
    ) throws -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try Coding.encode(payload) + [10])))
    }

    /// An answer of text.
    static func text(_ text: String, _ mediaType: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: mediaType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    // MARK: - Parameters

    /// The integer in the path.
    static func id(_ context: BasicRequestContext) throws -> Int64 {
        let text = context.parameters.get("id") ?? ""
        guard let id = Int64(text) else {
            throw Problem(.badRequest, "'\(text)' is not an id", hint: "give an integer")
        }
        return id
    }

    /// How many items are wanted.
    static func limit(_ request: Request, default usual: Int) throws -> Int {
        guard let text = parameter("limit", request) else { return usual }
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw Problem(
                .badRequest, "'limit' is '\(text)'", hint: "give a number from 1 to 1000")
        }
        return limit
    }

    /// The item after which a page begins, 0 for the first page.
    static func after(_ list: Cursor.List, _ request: Request) throws -> Int64? {
        guard let text = parameter("cursor", request) else { return nil }
        guard let cursor = Cursor(text, of: list) else {
            throw Problem(
                .badRequest, "'cursor' is not one of this list",
                hint: "give the next_cursor of the page before, as it is")
        }
        return cursor.after
    }

    /// A parameter of the query, percent-decoded.
    static func parameter(_ name: String, _ request: Request) -> String? {
        request.uri.queryParameters[name[...]].map { String($0) }
    }

    /// A page of at most `limit` items out of one more than that, where there is one more.
    static func page<Item: Codable & Sendable & Hashable>(
        _ items: [Item], limit: Int, _ list: Cursor.List, key: (Item) -> Int64
    ) -> Page<Item> {
        guard items.count > limit, let last = items.prefix(limit).last else {
            return Page(items: items)
        }
        return Page(
            items: Array(items.prefix(limit)), nextCursor: Cursor(list, after: key(last)).text)
    }
}
