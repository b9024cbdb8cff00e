/// An RFC 9457 problem: what every answer of 400 and above carries.
///
/// Its media type is `application/problem+json`. `code` is for programs and never changes its
/// meaning; `detail` and `hint` are for people.
public struct Problem: Codable, Sendable, Hashable, Error {
    /// The media type of a problem.
    public static let mediaType = "application/problem+json"

    /// A URI reference that names the kind of problem.
    public var type: String
    /// The kind of problem in words.
    public var title: String
    /// The HTTP status.
    public var status: Int
    /// What is wrong this time, as a sentence.
    public var detail: String
    /// The kind of problem as one word.
    public var code: Code
    /// What to do about it, where something can be done.
    public var hint: String?

    /// The kinds of problem.
    public enum Code: String, Codable, Sendable, Hashable, CaseIterable {
        /// A parameter or a body that cannot be understood.
        case badRequest = "bad_request"
        /// The body is no picture that can be decoded.
        case notAPicture = "not_a_picture"
        /// The body or the picture is larger than the limit.
        case tooLarge = "too_large"
        /// A path outside the watched folders.
        case notWatched = "not_watched"
        /// A picture or a cluster that is not in the index.
        case notFound = "not_found"
        /// A picture that has no embedding, because it waits or failed.
        case notIndexed = "not_indexed"
        /// A path that the API does not have.
        case unknownRoute = "unknown_route"
        /// A path of the API asked with another method.
        case methodNotAllowed = "method_not_allowed"
        /// The daemon is starting or stopping.
        case notReady = "not_ready"
        /// The daemon has too many queries waiting.
        case busy
        /// A fault of the daemon itself.
        case internalError = "internal_error"
    }

    /// A problem of one kind; its type, title and status follow from the kind.
    public init(_ code: Code, _ detail: String, hint: String? = nil) {
        type = "urn:dcd:problem:\(code.rawValue)"
        title = code.title
        status = code.status
        self.detail = detail
        self.code = code
        self.hint = hint
    }
}

extension Problem.Code {
    /// The HTTP status of the kind.
    public var status: Int {
        switch self {
        case .badRequest: 400
        case .notWatched: 403
        case .notFound, .unknownRoute: 404
        case .methodNotAllowed: 405
        case .notIndexed: 409
        case .tooLarge: 413
        case .notAPicture: 422
        case .internalError: 500
        case .notReady, .busy: 503
        }
    }

    /// The kind in words.
    public var title: String {
        switch self {
        case .badRequest: "The request cannot be understood"
        case .notAPicture: "This is not a picture"
        case .tooLarge: "This is too large"
        case .notWatched: "This path is not in a watched folder"
        case .notFound: "There is no such thing in the index"
        case .notIndexed: "This picture has no embedding yet"
        case .unknownRoute: "There is no such route"
        case .methodNotAllowed: "This route takes another method"
        case .notReady: "The daemon is not ready"
        case .busy: "The daemon is busy"
        case .internalError: "The daemon failed"
        }
    }
}

extension Problem: CustomStringConvertible {
    /// The detail, then the hint.
    public var description: String {
        hint.map { "\(detail): \($0)" } ?? detail
    }
}
