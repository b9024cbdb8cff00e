import API
import Catalog
import Files
import Hummingbird

extension Routes {
    /// `GET /v1/images`: by id, or the one at a path.
    @Sendable func images(_ request: Request, _ context: BasicRequestContext) async throws
        -> Response
    {
        let names = try await clusterNames()
        if let path = try Self.path(request) {
            let record = try await catalog.image(path: path)
            guard let record else { throw Self.unknown(path) }
            return try Self.json(Page(items: [Image(record, names)]))
        }
        let limit = try Self.limit(request, default: 100)
        let records = try await catalog.images(
            after: try Self.after(.images, request) ?? 0, limit: limit + 1,
            state: try Self.state(request))
        return try Self.json(
            Self.page(records.map { Image($0, names) }, limit: limit, .images) { $0.id })
    }

    /// `GET /v1/images/{id}`.
    @Sendable func image(_ request: Request, _ context: BasicRequestContext) async throws
        -> Response
    {
        try Self.json(Image(try await record(Self.id(context)), try await clusterNames()))
    }

    /// `GET /v1/images/{id}/neighbours`: those that the index keeps.
    @Sendable func imageNeighbours(_ request: Request, _ context: BasicRequestContext)
        async throws -> Response
    {
        let limit = try Self.limit(request, default: 20)
        let record = try await record(Self.id(context))
        guard record.assignment != nil else { throw Self.notIndexed(record) }
        let similar = try await catalog.neighbours(of: record.id, limit: limit)
        return try Self.json(NeighbourList(image: record.id, items: Neighbour.list(similar)))
    }

    /// The picture with an id.
    private func record(_ id: Int64) async throws -> ImageRecord {
        guard let record = try await catalog.image(id: id) else {
            throw Problem(
                .notFound, "there is no picture \(id)", hint: "GET /v1/images lists them")
        }
        return record
    }

    /// The clusters that have a name.
    func clusterNames() async throws -> [Int: String] {
        let named = try await catalog.clusters().compactMap { cluster in
            cluster.name.map { (cluster.id, $0) }
        }
        return Dictionary(uniqueKeysWithValues: named)
    }

    // MARK: - Parameters

    /// The exact bytes of `path=`, which Hummingbird would decode as UTF-8.
    static func path(_ request: Request) throws -> FilePath? {
        for item in (request.uri.query ?? "").split(separator: "&") {
            guard item.hasPrefix("path=") else { continue }
            guard let path = FilePath(percentEncoded: item.dropFirst("path=".count)) else {
                throw Problem(
                    .badRequest, "'path' is not percent-encoded", hint: "write % as %25")
            }
            return path
        }
        return nil
    }

    private static func state(_ request: Request) throws -> Catalog.ImageState? {
        guard let text = parameter("state", request) else { return nil }
        guard let state = Catalog.ImageState(rawValue: text) else {
            throw Problem(
                .badRequest, "'state' is '\(text)'", hint: "give pending, indexed or failed")
        }
        return state
    }

    // MARK: - Problems

    private static func unknown(_ path: FilePath) -> Problem {
        Problem(
            .notFound, "'\(path.description)' is not in the index",
            hint: "give the absolute path of a picture in a watched folder")
    }

    private static func notIndexed(_ record: ImageRecord) -> Problem {
        let name = record.path.description
        return switch record.state {
        case .failed:
            Problem(
                .notIndexed, "'\(name)' cannot be decoded (\(record.error ?? "unknown reason"))",
                hint: "replace the file, then it is tried again")
        case .pending, .indexed:
            Problem(.notIndexed, "'\(name)' waits for its embedding", hint: "ask again later")
        }
    }
}

// MARK: - Records as payloads

extension Image {
    /// A picture of the catalog, with the names of clusters.
    init(_ record: ImageRecord, _ names: [Int: String]) {
        self.init(
            id: record.id, location: record.path,
            state: API.ImageState(record.state), error: record.error, offline: !record.online,
            width: record.width, height: record.height, size: record.identity.size,
            modified: Timestamp(milliseconds: record.identity.modified / 1_000_000),
            firstSeen: Timestamp(milliseconds: record.firstSeen),
            indexedAt: record.indexedAt.map(Timestamp.init(milliseconds:)),
            sha256: record.sha256,
            assignment: record.assignment.map { Assignment($0, names) })
    }
}

extension API.ImageState {
    /// The state of a picture of the catalog.
    init(_ state: Catalog.ImageState) {
        self =
            switch state {
            case .pending: .pending
            case .indexed: .indexed
            case .failed: .failed
            }
    }
}

extension API.Assignment {
    /// An assignment of the catalog, with the names of clusters.
    init(_ assignment: Catalog.Assignment, _ names: [Int: String]) {
        self.init(
            cluster: Int64(assignment.cluster), name: names[assignment.cluster],
            distance: Double(assignment.distance), second: assignment.second.map(Int64.init),
            margin: assignment.margin.map(Double.init))
    }
}

extension API.Neighbour {
    /// Neighbours in the order of the catalog.
    static func list(_ similar: [SimilarImage]) -> [API.Neighbour] {
        similar.enumerated().map { place, neighbour in
            API.Neighbour(
                rank: place + 1, id: neighbour.image.id,
                location: neighbour.image.path,
                similarity: Double(neighbour.similarity),
                cluster: neighbour.image.assignment.map { Int64($0.cluster) })
        }
    }
}
