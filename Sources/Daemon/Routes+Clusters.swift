import API
import Catalog
import Hummingbird

extension Routes {
    /// The longest name of a cluster, in bytes.
    private static let longestName = 200

    /// `GET /v1/clusters`.
    @Sendable func clusters(_ request: Request, _ context: BasicRequestContext) async throws
        -> Response
    {
        let limit = try Self.limit(request, default: 100)
        let after = try Self.after(.clusters, request) ?? -1
        let records = try await catalog.clusters().filter { Int64($0.id) > after }
        return try Self.json(
            Self.page(records.map(Cluster.init), limit: limit, .clusters) { $0.id })
    }

    /// `GET /v1/clusters/{id}`.
    @Sendable func cluster(_ request: Request, _ context: BasicRequestContext) async throws
        -> Response
    {
        try Self.json(Cluster(try await clusterRecord(Self.id(context))))
    }

    /// `GET /v1/clusters/{id}/images`: nearest to the centroid first.
    @Sendable func clusterImages(_ request: Request, _ context: BasicRequestContext)
        async throws -> Response
    {
        let limit = try Self.limit(request, default: 100)
        let cluster = try await clusterRecord(Self.id(context))
        var last: ImageRecord?
        if let after = try Self.after(.clusterImages, request) {
            last = try await catalog.image(id: after)
            guard last?.assignment?.cluster == cluster.id else {
                throw Problem(
                    .badRequest, "the picture that 'cursor' stands for left the cluster",
                    hint: "begin again without it")
            }
        }
        let records = try await catalog.images(
            inCluster: cluster.id, after: last, limit: limit + 1)
        let names = cluster.name.map { [cluster.id: $0] } ?? [:]
        return try Self.json(
            Self.page(records.map { Image($0, names) }, limit: limit, .clusterImages) { $0.id })
    }

    /// `PATCH /v1/clusters/{id}`: a name, or none.
    @Sendable func renameCluster(_ request: Request, _ context: BasicRequestContext)
        async throws -> Response
    {
        let id = try Self.id(context)
        let body = try await request.body.collect(upTo: 64 * 1024)
        let name = try Coding.decode(ClusterUpdate.self, from: Array(body.readableBytesView)).name
        guard name.utf8.count <= Self.longestName,
            name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw Problem(
                .badRequest, "the name is too long or has control characters",
                hint: "give at most \(Self.longestName) bytes on one line")
        }
        let record = try await catalog.rename(
            cluster: Int(id), to: name.isEmpty ? nil : name)
        return try Self.json(Cluster(record))
    }

    private func clusterRecord(_ id: Int64) async throws -> ClusterRecord {
        guard let record = try await catalog.cluster(Int(id)) else {
            throw CatalogError.noSuchCluster(Int(id))
        }
        return record
    }
}

extension Cluster {
    /// A cluster of the catalog.
    init(_ record: ClusterRecord) {
        self.init(id: Int64(record.id), name: record.name, size: record.size)
    }
}
