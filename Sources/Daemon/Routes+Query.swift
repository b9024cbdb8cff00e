import API
package import Catalog
import Hummingbird
import NIOCore
import Synchronization

/// What makes an embedding of a picture that is not kept.
package protocol PictureEmbedder: Sendable {
    /// Decodes a picture and runs the model on it.
    ///
    /// The descriptor is of an open regular file, which the caller closes. Throws a `Problem`
    /// where it is no picture, is too large or cannot be decoded in time.
    func embed(descriptor: CInt) async throws -> EmbeddedImage
}

/// Room for a few queries at once, so that their pictures need bounded memory.
final class QuerySlots: Sendable {
    private static let count = 4
    private let taken = Mutex(0)

    /// Runs `body` in a slot, or says that all are taken.
    func run<Result>(_ body: () async throws -> Result) async throws -> Result {
        let isFree = taken.withLock { taken in
            guard taken < Self.count else { return false }
            taken += 1
            return true
        }
        guard isFree else {
            throw Problem(
                .busy, "\(Self.count) queries are under way", hint: "ask again in a moment")
        }
        defer { taken.withLock { $0 -= 1 } }
        return try await body()
    }
}

extension Routes {
    /// The largest picture that a query may send.
    private static let largestBody = 128 << 20

    /// `POST /v1/query`: a picture's bytes, or the path of one in a watched folder.
    @Sendable func query(_ request: Request, _ context: BasicRequestContext) async throws
        -> Response
    {
        try requireReady()
        let limit = try Self.limit(request, default: 10)
        // Refused before it is read, where its size is announced.
        let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard announced <= Self.largestBody else {
            throw NIOTooManyBytesError(maxBytes: Self.largestBody)
        }
        return try await slots.run {
            let body = try await request.body.collect(upTo: Self.largestBody)
            let isJSON = request.headers[.contentType]?.hasPrefix("application/json") == true
            let file =
                if isJSON {
                    try QueryFile(
                        path: Coding.decode(PathQuery.self, from: Array(body.readableBytesView))
                            .location,
                        roots: try await catalog.roots().map(\.path))
                } else {
                    try QueryFile(bytes: body)
                }
            return try Self.json(try await answer(file, neighbours: limit))
        }
    }

    private func answer(_ file: QueryFile, neighbours limit: Int) async throws -> QueryAnswer {
        let embedded = try await embedder.embed(descriptor: file.descriptor)
        withExtendedLifetime(file) {}
        let nearest = try catalog.nearest(to: embedded.vector, count: limit)
        return QueryAnswer(
            model: model.sha256, width: embedded.width, height: embedded.height,
            assignment: Assignment(embedded.assignment, try await clusterNames()),
            neighbours: Neighbour.list(try await catalog.images(nearest)))
    }
}
