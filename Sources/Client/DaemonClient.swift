public import API
public import Files
import NIOCore
import NIOHTTP1
import NIOPosix

/// The daemon, as one asks it.
public struct DaemonClient: Sendable {
    private let places: SocketPlaces

    /// A client for the first socket that something listens on.
    public init(_ places: SocketPlaces) {
        self.places = places
    }

    /// What the daemon is doing.
    public func status() async throws(ClientError) -> Status {
        try await get(Route.status.template)
    }

    /// What the daemon makes of a picture, from the bytes of its file: its cluster and some
    /// neighbours.
    public func query(
        _ picture: [UInt8], neighbours: Int = 10
    ) async throws(ClientError) -> QueryAnswer {
        try await whole(
            DaemonRequest(
                .query, "?limit=\(neighbours)", body: picture,
                mediaType: "application/octet-stream"))
    }

    /// The picture at an absolute path.
    public func image(at path: FilePath) async throws(ClientError) -> Image {
        let page: Page<Image> = try await get(
            "\(Route.images.template)?path=\(path.percentEncoded)")
        guard let image = page.items.first else {
            throw .problem(Problem(.notFound, "'\(path.description)' is not in the index"))
        }
        return image
    }

    /// The picture with an id.
    public func image(id: Int64) async throws(ClientError) -> Image {
        try await get(Route.image.path(id: id))
    }

    /// The neighbours of a picture of the index, nearest first.
    public func neighbours(of image: Int64) async throws(ClientError) -> NeighbourList {
        try await get(Route.imageNeighbours.path(id: image))
    }

    /// All clusters by id.
    public func clusters() async throws(ClientError) -> [Cluster] {
        try await all(Route.clusters.template, limit: .max)
    }

    /// One cluster.
    public func cluster(_ id: Int64) async throws(ClientError) -> Cluster {
        try await get(Route.cluster.path(id: id))
    }

    /// The pictures of a cluster, nearest to its centroid first.
    public func images(
        inCluster id: Int64, limit: Int = .max
    ) async throws(ClientError) -> [Image] {
        try await all(Route.clusterImages.path(id: id), limit: limit)
    }

    /// Names a cluster; an empty name takes its name away.
    public func rename(cluster id: Int64, to name: String) async throws(ClientError) -> Cluster {
        let body = (try? Coding.encode(ClusterUpdate(name: name))) ?? []
        return try await whole(
            DaemonRequest(.renameCluster, id: id, body: body, mediaType: "application/json"))
    }

    /// Has the folders compared with the index.
    public func rescan() async throws(ClientError) -> RescanAnswer {
        try await whole(DaemonRequest(.rescan))
    }

    /// Events after a number, oldest first, and then, if asked, those to come.
    ///
    /// `receive` gets each event with the line that it came in.
    public func events(
        after sequence: Int64, follow: Bool,
        _ receive: @escaping @Sendable (Event, [UInt8]) throws -> Void
    ) async throws(ClientError) {
        let request = DaemonRequest(.events, "?after=\(sequence)&follow=\(follow)")
        let connection = try await connect()
        var lines = LineSplitter()
        try await connection.exchange(request) { chunk in
            for line in lines.take(chunk) {
                try receive(try Coding.decode(Event.self, from: line), line)
            }
        }
    }

    // MARK: - Exchange

    private func get<Payload: Decodable>(_ target: String) async throws(ClientError) -> Payload {
        try await whole(DaemonRequest(method: "GET", target: target))
    }

    /// The items of all pages, up to a number.
    private func all<Item: Codable & Sendable & Hashable>(
        _ path: String, limit: Int
    ) async throws(ClientError) -> [Item] {
        var items: [Item] = []
        var cursor = ""
        while true {
            let wanted = min(limit - items.count, 1000)
            guard wanted > 0 else { return items }
            let page: Page<Item> = try await get("\(path)?limit=\(wanted)\(cursor)")
            items += page.items
            guard let next = page.nextCursor else { return items }
            cursor = "&cursor=\(next)"
        }
    }

    private func whole<Payload: Decodable>(
        _ request: DaemonRequest
    ) async throws(ClientError) -> Payload {
        let connection = try await connect()
        var body: [UInt8] = []
        try await connection.exchange(request) { body += $0.readableBytesView }
        do {
            return try Coding.decode(Payload.self, from: body)
        } catch {
            throw .unexpectedAnswer(
                socket: connection.socket,
                reason: "its answer to \(request.target) has another form")
        }
    }

    /// A connection to the first socket that takes one.
    private func connect() async throws(ClientError) -> DaemonConnection {
        var refused: String?
        for path in places.paths {
            switch await DaemonConnection.open(path) {
            case .success(let connection): return connection
            case .failure(.notAllowed): refused = refused ?? path
            case .failure: continue
            }
        }
        if let refused { throw .notAllowed(socket: refused) }
        throw .notRunning(tried: places.paths)
    }
}

/// A stream of bytes in lines.
struct LineSplitter {
    private var rest: [UInt8] = []

    /// The lines that are whole now, without their newlines; empty ones are left out.
    mutating func take(_ chunk: ByteBuffer) -> [[UInt8]] {
        rest += chunk.readableBytesView
        var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let last = lines.popLast() ?? []
        rest = Array(last)
        return lines.filter { !$0.isEmpty }.map(Array.init)
    }
}
