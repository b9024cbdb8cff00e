import API
import Client
import Daemon
import Foundation
import Synchronization
import Testing

/// `GET /v1/events`, and how connections end.
struct EventsRouteTests {
    private let daemon: TestDaemon

    init() async throws {
        daemon = try await TestDaemon()
    }

    private func events(after: Int64) async throws -> [Event] {
        let sink = EventSink()
        try await daemon.client.events(after: after, follow: false) { event, _ in
            sink.add(event)
        }
        return sink.events
    }

    @Test func eventsComeInOrderAndResume() async throws {
        let ids = try await daemon.add(names: ["a", "b", "c"])
        let all = try await events(after: 0)
        #expect(all.map(\.kind) == [.indexed, .indexed, .indexed])
        #expect(all.map(\.image) == ids)
        #expect(all.map(\.path) == ["a", "b", "c"].map { "\(daemon.pictures)/\($0)" })
        #expect(all.map(\.sequence) == all.map(\.sequence).sorted())
        #expect(try await events(after: all[1].sequence) == [all[2]])
        #expect(try await events(after: all[2].sequence).isEmpty)
        try await daemon.stop()
    }

    @Test func manyEventsNeedManyReads() async throws {
        try await daemon.add(names: (0..<1200).map { "\($0)" })
        #expect(try await events(after: 0).count == 1200)
        try await daemon.stop()
    }

    /// A follower hears what happens, and its answer ends, whole, when the daemon stops.
    @Test func followersHearAndAreLetGo() async throws {
        let sink = EventSink()
        let client = daemon.client
        let following = Task {
            try await client.events(after: 0, follow: true) { event, _ in sink.add(event) }
        }
        try await daemon.add(names: ["a"])
        await sink.wait(for: 1)
        _ = try await daemon.client.rename(cluster: 0, to: "x")
        await sink.wait(for: 2)
        #expect(sink.events.map(\.kind) == [.indexed, .clusterRenamed])
        try await daemon.stop()
        try await following.value
    }

    /// An idle connection does not keep the daemon from stopping.
    @Test func idleConnectionsAreClosed() async throws {
        let idle = try RawHTTP.connect(daemon.socket)
        defer { close(idle) }
        _ = try await daemon.client.status()
        try await daemon.stop()
        #expect(RawHTTP.readAll(idle).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: daemon.socket))
    }
}

/// Events as they come.
final class EventSink: Sendable {
    private let state = Mutex<[Event]>([])
    private let (stream, continuation) = AsyncStream<Void>.makeStream()

    var events: [Event] { state.withLock { $0 } }

    func add(_ event: Event) {
        state.withLock { $0.append(event) }
        continuation.yield()
    }

    /// Waits until there are so many.
    func wait(for count: Int) async {
        guard events.count < count else { return }
        for await _ in stream where events.count >= count { return }
    }
}
