/// Every route of the API, once.
///
/// The daemon switches over this list, so a route without a handler does not compile, and a test
/// compares it with the OpenAPI text.
public enum Route: String, CaseIterable, Sendable {
    case query
    case images
    case image
    case imageNeighbours
    case clusters
    case cluster
    case clusterImages
    case renameCluster
    case events
    case status
    case model
    case rescan
    case healthz
    case readyz
    case metrics
    case openAPI

    /// The HTTP method.
    public var method: String {
        switch self {
        case .query, .rescan: "POST"
        case .renameCluster: "PATCH"
        default: "GET"
        }
    }

    /// The path as a template, with `{id}` for an integer.
    public var template: String {
        switch self {
        case .query: "/v1/query"
        case .images: "/v1/images"
        case .image: "/v1/images/{id}"
        case .imageNeighbours: "/v1/images/{id}/neighbours"
        case .clusters: "/v1/clusters"
        case .cluster, .renameCluster: "/v1/clusters/{id}"
        case .clusterImages: "/v1/clusters/{id}/images"
        case .events: "/v1/events"
        case .status: "/v1/status"
        case .model: "/v1/model"
        case .rescan: "/v1/rescan"
        case .healthz: "/healthz"
        case .readyz: "/readyz"
        case .metrics: "/metrics"
        case .openAPI: "/openapi.json"
        }
    }

    /// The path with its id filled in.
    public func path(id: Int64) -> String {
        template.split(separator: "/", omittingEmptySubsequences: false)
            .map { $0 == "{id}" ? "\(id)" : String($0) }
            .joined(separator: "/")
    }
}
