import API
import Catalog
import Dispatch
import Files
import FolderWatch
import FoundationEssentials
import Inference
import Logging
import Model
import ServiceLifecycle
import UnixSignals

/// The daemon: an index of watched folders, served over a Unix socket.
public struct DaemonService: Sendable {
    /// The program's name and version.
    public static let version = ProgramVersion.description

    private let configuration: DaemonConfiguration
    private let logger: Logger

    /// How long a stop may take: until the first, work under way may end; after the second
    /// nothing is waited for.
    ///
    /// The index is safe at any moment: SQLite keeps a transaction whole or not at all.
    private static let stopDeadlines = (graceful: Duration.seconds(3), final: 4.0)

    /// A daemon with a configuration.
    public init(_ configuration: DaemonConfiguration, verbose: Bool = false) {
        self.configuration = configuration
        var logger = Logger(label: "dcd") { _ in DaemonLog() }
        logger.logLevel = verbose ? .debug : .info
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT.
    ///
    /// - Throws: Why it cannot start or go on, with the remedy: `DaemonError`, `CheckpointError`,
    ///   `CatalogError` or `FolderWatchError`.
    public func run() async throws {
        // A client that goes away must not take the daemon with it.
        ThisProcess.ignoreBrokenPipes()
        // What can be wrong is found in this order: nothing is touched before the model is good,
        // and the socket is not taken before the index is ours.
        let model = try LoadedModel(contentsOf: configuration.model)
        let plan: @Sendable () throws -> InferencePlan = { [configuration] in
            try model.plan(path: configuration.model, batch: 1, threads: configuration.threads)
        }
        let queries = try await EmbeddingEngine(plan: plan)
        let catalog = try openCatalog()
        let socket = try ListeningSocket(path: configuration.socket)
        let pool = DecodeWorkerPool(
            workers: configuration.threads,
            settings: DecodeWorkerSettings(
                input: model.checkpoint.input, niceness: EmbeddingEngine.backlogNiceness))
        let backlog = try await EmbeddingEngine(
            niceness: EmbeddingEngine.backlogNiceness, plan: plan)
        let indexer = Indexer(
            catalog: catalog, roots: configuration.watch.map(WatchedRoot.init), decoder: pool,
            embedder: backlog, workers: configuration.threads, logger: logger)
        let failure: (any Error)?
        do {
            try await serve(
                socket, catalog, model, QueryEmbedder(pool: pool, engine: queries), indexer)
            failure = nil
        } catch {
            failure = error
        }
        await pool.shutdown()
        await queries.stop()
        await backlog.stop()
        try catalog.close()
        if let failure { throw failure }
        logger.info("stopped")
    }

    private func openCatalog() throws -> ImageCatalog {
        do throws(SystemCallError) {
            try Folder.make(FilePath(configuration.index).parent, mode: 0o750)
        } catch { throw DaemonError.system(error) }
        let catalog = try ImageCatalog(path: configuration.index)
        if let aside = catalog.setAside {
            logger.warning("the index was damaged; it is kept as '\(aside)' and made anew")
        }
        return catalog
    }

    // MARK: - Services

    private func serve(
        _ socket: ListeningSocket, _ catalog: ImageCatalog, _ model: LoadedModel,
        _ embedder: QueryEmbedder, _ indexer: Indexer
    ) async throws {
        let readiness = Readiness(.starting("loading the model"))
        let routes = Routes(
            catalog: catalog, embedder: embedder, model: model.info, indexing: indexer,
            readiness: readiness, metrics: MetricsRegistry())
        let server = HTTPServer(socket: socket, responder: routes.responder(), logger: logger)
        let reporter = ServiceReporter(
            manager: ServiceManager(), readiness: readiness, status: routes.status,
            logger: logger, onStopping: Self.limitStop)
        let indexing = Indexing(
            catalog: catalog, model: model, engine: embedder.engine, indexer: indexer,
            readiness: readiness)
        // They are stopped in the opposite order, so that questions are answered to the last.
        var group = ServiceGroupConfiguration(
            services: [
                .init(service: server, serviceName: "server"),
                .init(service: indexing, serviceName: "indexing"),
                .init(service: reporter, serviceName: "reporter"),
            ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = Self.stopDeadlines.graceful
        try await ServiceGroup(configuration: group).run()
    }

    /// Ends the process, whatever hangs, when a stop has taken too long.
    @Sendable private static func limitStop() {
        // Not a task: what hangs may hold every thread that tasks run on.
        DispatchQueue.global().asyncAfter(deadline: .now() + stopDeadlines.final) {
            complain("the work under way did not end in time and was given up")
            ThisProcess.abandon()
        }
    }

    /// Writes why the daemon ends to standard error.
    public static func complain(_ sentence: String) {
        let prefix = DaemonLog.journalReadsStandardError ? "<3>" : "dcd: "
        ThisProcess.complain(prefix + sentence.replacing("\n", with: " "))
    }
}

/// Loads what answers queries, and then keeps the index equal to the folders.
private struct Indexing: Service {
    let catalog: ImageCatalog
    let model: LoadedModel
    let engine: EmbeddingEngine
    let indexer: Indexer
    let readiness: Readiness

    func run() async throws {
        // However it ends, nobody waits for readiness any more.
        defer { readiness.change(to: .stopping) }
        try await catalog.use(model.description)
        try await engine.warmUp(pixelCount: model.pixelCount)
        readiness.change(to: .ready)
        try await cancelWhenGracefulShutdown { try await indexer.run() }
    }
}

extension WatchedRoot {
    /// A folder of the configuration; links on the way to it are followed once, now.
    init(_ folder: DaemonConfiguration.WatchedFolder) {
        self.init(
            path: FilePath(folder.path).withoutLinks,
            exclusions: Exclusions(folder.exclude))
    }
}
