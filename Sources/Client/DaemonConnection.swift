import API
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// A request as it is sent.
struct DaemonRequest: Sendable {
    let method: String
    let target: String
    var body: [UInt8] = []
    var mediaType: String?

    init(method: String, target: String) {
        self.method = method
        self.target = target
    }

    init(
        _ route: Route, _ query: String = "", id: Int64 = 0, body: [UInt8] = [],
        mediaType: String? = nil
    ) {
        method = route.method
        target = route.path(id: id) + query
        self.body = body
        self.mediaType = mediaType
    }

    /// The request's head.
    var head: HTTPRequestHead {
        var headers = HTTPHeaders([("host", "dcd"), ("connection", "close")])
        if let mediaType {
            headers.add(name: "content-type", value: mediaType)
        }
        if method != "GET" {
            headers.add(name: "content-length", value: "\(body.count)")
        }
        return HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: method), uri: target,
            headers: headers)
    }
}

/// One connection to the daemon, for one exchange.
///
/// It is SwiftNIO's HTTP/1.1 over a Unix socket and nothing else: a command that asks one
/// question should not first start a pool of connections.
struct DaemonConnection: Sendable {
    private typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    let socket: String
    private let channel: Channel

    /// One thread serves a client that waits for its own answers.
    private static let group: MultiThreadedEventLoopGroup = {
        NIOSingletons.groupLoopCountSuggestion = 1
        return .singleton
    }()

    /// Connects to a socket.
    static func open(_ path: String) async -> Result<DaemonConnection, ClientError> {
        do {
            let channel = try await ClientBootstrap(group: group).connect(
                unixDomainSocketPath: path
            ) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try Channel(wrappingChannelSynchronously: channel)
                }
            }
            return .success(DaemonConnection(socket: path, channel: channel))
        } catch let error as IOError where [EACCES, EPERM].contains(error.errnoCode) {
            return .failure(.notAllowed(socket: path))
        } catch {
            return .failure(.notRunning(tried: [path]))
        }
    }

    /// Sends a request and hands the answer's body on, piece by piece.
    ///
    /// - Throws: `ClientError.problem` where the daemon answers with one.
    func exchange(
        _ request: DaemonRequest, _ receive: (ByteBuffer) throws -> Void
    ) async throws(ClientError) {
        do {
            try await channel.executeThenClose { inbound, outbound in
                let parts: [HTTPClientRequestPart] = [
                    .head(request.head), .body(.byteBuffer(ByteBuffer(bytes: request.body))),
                    .end(nil),
                ]
                try await outbound.write(contentsOf: parts)
                try await Self.answer(inbound, receive)
            }
        } catch let error as ClientError {
            throw error
        } catch let problem as Problem {
            throw .problem(problem)
        } catch is DecodingError {
            throw .unexpectedAnswer(socket: socket, reason: "its answer has another form")
        } catch {
            throw .connectionLost(socket: socket, reason: "\(error)")
        }
    }

    private struct Truncated: Error, CustomStringConvertible {
        var description: String { "the connection was closed" }
    }

    private static func answer(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>,
        _ receive: (ByteBuffer) throws -> Void
    ) async throws {
        var status = 0
        var failure: [UInt8] = []
        for try await part in inbound {
            switch part {
            case .head(let head):
                status = Int(head.status.code)
            case .body(let chunk):
                if status < 400 {
                    try receive(chunk)
                } else {
                    failure += chunk.readableBytesView
                }
            case .end:
                guard status >= 400 else { return }
                throw try Coding.decode(Problem.self, from: failure)
            }
        }
        throw Truncated()
    }
}
