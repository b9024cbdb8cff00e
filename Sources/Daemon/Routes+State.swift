import API
import Catalog
import Files
import Hummingbird
import Metrics
import Model
import NIOCore
import ServiceLifecycle

extension Routes {
    /// `GET /v1/status`.
    @Sendable func status(_ request: Request, _ context: BasicRequestContext) async throws
        -> Response
    {
        try Self.json(try await status())
    }

    /// What the daemon is doing.
    func status() async throws -> Status {
        let state = try await catalog.status()
        let progress = progress(state)
        return Status(
            version: ProgramVersion.number, pid: ThisProcess.id, started: started,
            ready: readiness.state == .ready, activity: activity(state, progress),
            model: state.activeModel?.sha256 ?? model.sha256, index: catalog.path,
            images: .init(
                indexed: state.counts.indexed, pending: state.counts.pending,
                failed: state.counts.failed, offline: state.counts.offline),
            clusters: model.clusters,
            roots: state.roots.map {
                .init(location: $0.path, online: $0.online)
            },
            progress: progress)
    }

    /// What was done and what remains.
    private func progress(_ state: CatalogStatus) -> Status.Progress {
        var pending = state.counts.pending
        if state.nextModel != nil {
            pending = max(pending, pending + state.counts.indexed - state.nextModelIndexed)
        }
        let done = indexing.progress
        // Every root that is there was compared since the oldest of these times.
        let times = state.roots.filter(\.online).map(\.reconciledAt)
        let oldest = times.contains(nil) ? nil : times.compactMap { $0 }.min()
        return Status.Progress(
            done: done.indexed + done.failed, pending: pending, picturesPerSecond: done.rate,
            secondsLeft: done.rate.flatMap { $0 > 0 ? Double(pending) / $0 : nil },
            lastReconciled: oldest.map { Timestamp(milliseconds: $0) },
            overflows: indexing.overflows)
    }

    private func activity(_ state: CatalogStatus, _ progress: Status.Progress) -> String {
        switch readiness.state {
        case .starting(let what): what
        case .stopping: "stopping"
        case .ready where state.nextModel != nil:
            "embedding \(state.nextModelIndexed) of \(state.counts.total) pictures again for "
                + "another model"
        case .ready where progress.pending > 0: "indexing, \(progress.pending) pictures wait"
        case .ready: "watching"
        }
    }

    /// `GET /readyz`.
    @Sendable func readyz(_ request: Request, _ context: BasicRequestContext) async throws
        -> Response
    {
        try requireReady()
        return try Self.json(Health())
    }

    /// Throws a problem unless queries are answered.
    func requireReady() throws {
        switch readiness.state {
        case .ready: break
        case .starting(let what):
            throw Problem(.notReady, "the daemon is \(what)", hint: "ask again in a moment")
        case .stopping:
            throw Problem(.notReady, "the daemon is stopping", hint: "start it again")
        }
    }

    /// `POST /v1/rescan`.
    @Sendable func rescan(_ request: Request, _ context: BasicRequestContext) async throws
        -> Response
    {
        let sequence = try await catalog.status().lastEvent
        await indexing.rescan()
        return try Self.json(RescanAnswer(sequence: sequence), status: .accepted)
    }

    /// `GET /metrics`.
    @Sendable func metrics(_ request: Request, _ context: BasicRequestContext) async throws
        -> Response
    {
        let counts = try await catalog.counts()
        let done = indexing.progress
        let gauges: [(String, [(String, String)], Double)] = [
            ("dcd_images", [("state", "indexed")], Double(counts.indexed)),
            ("dcd_images", [("state", "pending")], Double(counts.pending)),
            ("dcd_images", [("state", "failed")], Double(counts.failed)),
            ("dcd_images", [("state", "offline")], Double(counts.offline)),
            ("dcd_indexed_since_start", [], Double(done.indexed + done.failed)),
            ("dcd_watch_overflows", [], Double(indexing.overflows)),
            ("dcd_ready", [], readiness.state == .ready ? 1 : 0),
            ("process_start_time_seconds", [], Double(started.milliseconds) / 1000),
        ]
        for (label, dimensions, value) in gauges {
            Meter(label: label, dimensions: dimensions, factory: metrics).set(value)
        }
        return Self.text(metrics.text(), "text/plain; version=0.0.4")
    }

    // MARK: - Events

    private static var eventsAtOnce: Int { 500 }

    /// `GET /v1/events`: what the index keeps, then, if asked, what happens.
    @Sendable func events(_ request: Request, _ context: BasicRequestContext) async throws
        -> Response
    {
        let text = Self.parameter("after", request) ?? "0"
        guard let after = Int64(text), after >= 0 else {
            throw Problem(
                .badRequest, "'after' is '\(text)'",
                hint: "give the sequence number of an event, or 0")
        }
        let isFollowed = try Self.flag("follow", request)
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody { writer in
                if isFollowed {
                    // A client that goes away ends the answer, though nothing is written to it.
                    let unfinished = writer
                    _ = try? await request.body.consumeWithCancellationOnInboundClose { _ in
                        var writer = unfinished
                        try await follow(after: after, &writer)
                    }
                } else {
                    _ = try await write(after: after, &writer)
                }
                try await writer.finish(nil)
            })
    }

    /// Writes events as they come, until the client or the daemon goes.
    private func follow(after: Int64, _ writer: inout any ResponseBodyWriter) async throws {
        var last = after
        let changes = catalog.changes()
        last = try await write(after: last, &writer)
        for await _ in changes.cancelOnGracefulShutdown() {
            last = try await write(after: last, &writer)
        }
    }

    /// Writes the events after a number and returns the last one's.
    private func write(
        after: Int64, _ writer: inout any ResponseBodyWriter
    ) async throws -> Int64 {
        var last = after
        while true {
            let records = try await catalog.events(after: last, limit: Self.eventsAtOnce)
            guard let newest = records.last else { return last }
            var lines: [UInt8] = []
            for record in records {
                lines += try Coding.encode(Event(record)) + [UInt8(ascii: "\n")]
            }
            try await writer.write(ByteBuffer(bytes: lines))
            last = newest.sequence
        }
    }

    private static func flag(_ name: String, _ request: Request) throws -> Bool {
        switch parameter(name, request) {
        case nil, "false", "0": return false
        case "true", "1", "": return true
        case let text?:
            throw Problem(.badRequest, "'\(name)' is '\(text)'", hint: "give true or false")
        }
    }
}

extension Event {
    /// An event of the catalog.
    init(_ record: EventRecord) {
        self.init(
            sequence: record.sequence, time: Timestamp(milliseconds: record.at),
            kind: Kind(record.kind), image: record.image,
            location: record.path, detail: record.detail)
    }
}

extension Event.Kind {
    /// The kind of an event of the catalog.
    init(_ kind: EventKind) {
        self =
            switch kind {
            case .indexed: .indexed
            case .failed: .failed
            case .moved: .moved
            case .removed: .removed
            case .modelChanged: .modelChanged
            case .rootOnline: .rootOnline
            case .rootOffline: .rootOffline
            case .clusterRenamed: .clusterRenamed
            }
    }
}
