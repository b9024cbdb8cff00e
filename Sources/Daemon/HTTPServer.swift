package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// HTTP/1.1 on a listening socket that exists already.
///
/// NIO accepts from the descriptor and Hummingbird's `HTTP1Channel` speaks the protocol. When the
/// service is to stop, no connection is accepted any more, idle ones are closed and the others
/// once their answer is written.
package struct HTTPServer<Responder: HTTPResponder>: Service
where Responder.Context == BasicRequestContext {
    private let socket: ListeningSocket
    private let responder: Responder
    private let logger: Logger
    private let onListening: @Sendable () -> Void

    /// A server; `onListening` is called once connections are accepted.
    package init(
        socket: ListeningSocket, responder: Responder, logger: Logger,
        onListening: @escaping @Sendable () -> Void = {}
    ) {
        self.socket = socket
        self.responder = responder
        self.logger = logger
        self.onListening = onListening
    }

    private static var idleTimeout: TimeAmount { .seconds(75) }

    package func run() async throws {
        // One thread parses for all connections; the work is done elsewhere.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(on: group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func serve(on group: MultiThreadedEventLoopGroup) async throws {
        let http = HTTP1Channel(
            responder: answer, configuration: .init(idleTimeout: Self.idleTimeout))
        let connections = Connections()
        let listener = try await ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(socket.descriptor) { channel in
                connections.add(channel)
                return http.setup(channel: channel, logger: logger)
            }
        onListening()
        try await withGracefulShutdownHandler {
            try await accept(listener, http)
        } onGracefulShutdown: {
            socket.unlinkPath()
            listener.channel.close(promise: nil)
            connections.quiesce()
        }
    }

    private func accept(
        _ listener: NIOAsyncChannel<HTTP1Channel.Value, Never>, _ http: HTTP1Channel
    ) async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            try await listener.executeThenClose { inbound in
                for try await connection in inbound {
                    tasks.addTask { await http.handle(value: connection, logger: logger) }
                }
            }
        }
    }

    /// Answers one request.
    @Sendable private func answer(
        _ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        if request.headers[.expect]?.lowercased() == "100-continue" {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        let context = BasicRequestContext(
            source: ApplicationRequestContextSource(channel: channel, logger: logger))
        let response = try await responder.respond(to: request, context: context)
        try await writer.write(response: response.head, body: response.body)
    }
}

/// The connections that are open.
private final class Connections: Sendable {
    private struct State {
        var open: [ObjectIdentifier: any Channel] = [:]
        var isQuiescing = false
    }

    private let state = Mutex(State())

    func add(_ channel: any Channel) {
        let isQuiescing = state.withLock { state in
            state.open[ObjectIdentifier(channel)] = channel
            return state.isQuiescing
        }
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(channel)) }
        }
        if isQuiescing { channel.close(promise: nil) }
    }

    /// Asks every connection to close once it has no answer to give.
    func quiesce() {
        let open = state.withLock { state in
            state.isQuiescing = true
            return Array(state.open.values)
        }
        for channel in open {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }
}
