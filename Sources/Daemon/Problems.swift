import API
import Catalog
import Hummingbird
import Logging
import Metrics
import NIOCore

/// The one place where errors become HTTP answers.
///
/// It also counts and times the requests, by route and status.
struct Problems: RouterMiddleware {
    typealias Context = BasicRequestContext

    let metrics: MetricsRegistry

    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let response: Response
        do {
            response = try await next(request, context)
        } catch {
            let problem = Self.problem(error, request)
            if problem.code == .internalError {
                context.logger.error("\(request.method) \(request.uri.path): \(error)")
            }
            response = try Self.response(problem)
        }
        count(request, response, context, since: start)
        return response
    }

    private func count(
        _ request: Request, _ response: Response, _ context: BasicRequestContext,
        since start: ContinuousClock.Instant
    ) {
        let route = context.endpointPath ?? "unknown"
        Counter(
            label: "dcd_http_requests_total",
            dimensions: [
                ("method", request.method.rawValue), ("route", route),
                ("status", "\(response.status.code)"),
            ], factory: metrics
        ).increment()
        Metrics.Timer(
            label: "dcd_http_request_seconds", dimensions: [("route", route)], factory: metrics
        ).record(duration: ContinuousClock.now - start)
    }

    /// The problem that an error is.
    static func problem(_ error: any Error, _ request: Request) -> Problem {
        switch error {
        case let problem as Problem: problem
        case let error as CatalogError: problem(error)
        case is NIOTooManyBytesError:
            Problem(.tooLarge, "the request's body is too large", hint: "send a smaller picture")
        case let error as HTTPError where error.status == .notFound: unrouted(request)
        case let error as any HTTPResponseError where error.status.code < 500:
            Problem(.badRequest, "the request cannot be understood (\(error.status))")
        case let error as DecodingError:
            Problem(.badRequest, "the request's JSON cannot be used: \(sentence(error))")
        default:
            Problem(
                .internalError, "the daemon failed while it answered",
                hint: "see its log, and report what it says")
        }
    }

    private static func problem(_ error: CatalogError) -> Problem {
        switch error {
        case .noSuchCluster(let id):
            Problem(
                .notFound, "there is no cluster \(id)", hint: "GET /v1/clusters lists them")
        case .noModel:
            Problem(.notReady, error.description, hint: "wait until GET /readyz answers 200")
        default:
            Problem(.internalError, error.description)
        }
    }

    /// What a request is that no route took.
    private static func unrouted(_ request: Request) -> Problem {
        let path = request.uri.path
        let methods = Route.allCases.filter { matches($0.template, path) }.map(\.method)
        guard methods.isEmpty else {
            return Problem(
                .methodNotAllowed, "'\(path)' does not take \(request.method.rawValue)",
                hint: "use \(methods.joined(separator: " or "))")
        }
        return Problem(
            .unknownRoute, "there is no '\(path)'", hint: "GET /openapi.json lists the routes")
    }

    private static func matches(_ template: String, _ path: String) -> Bool {
        let (wanted, found) = (template.split(separator: "/"), path.split(separator: "/"))
        return wanted.count == found.count
            && zip(wanted, found).allSatisfy { $0 == $1 || $0 == "{id}" }
    }

    private static func sentence(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' is of another type"
        case .dataCorrupted(let context): context.debugDescription
        @unknown default: "it has another form"
        }
    }

    /// The answer that carries a problem.
    static func response(_ problem: Problem) throws -> Response {
        var headers: HTTPFields = [.contentType: Problem.mediaType]
        if problem.status == 503 { headers[.retryAfter] = "1" }
        return Response(
            status: .init(code: problem.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try Coding.encode(problem))))
    }
}
