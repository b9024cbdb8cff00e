import API
import Catalog
import Client
import Daemon
import Files
import Foundation
import Logging
import ServiceLifecycle
import TestSupport
import Testing

/// Finds at once that all is as it was.
struct InstantIndexing: FolderIndexing {
    let catalog: ImageCatalog
    let root: Int64

    var progress: IndexerProgress {
        var progress = IndexerProgress()
        progress.indexed = 1
        return progress
    }
    var overflows: Int { 0 }

    func rescan() async { try? await catalog.setReconciled(root: root) }
}

/// An embedder whose answer is in the picture's first bytes: a cluster of two.
///
/// `0` and `1` are pictures of these clusters; everything else is none.
struct DigitEmbedder: PictureEmbedder {
    func embed(descriptor: CInt) async throws -> EmbeddedImage {
        var byte: UInt8 = 0
        _ = unsafe pread(descriptor, &byte, 1, 0)
        guard let cluster = [UInt8(ascii: "0"), UInt8(ascii: "1")].firstIndex(of: byte) else {
            throw Problem(.notAPicture, "this cannot be decoded", hint: "send a picture")
        }
        return EmbeddedImage(
            width: 5, height: 4, vector: cluster == 0 ? [1, 0] : [0, 1],
            assignment: Assignment(
                cluster: cluster, distance: 0.25, second: 1 - cluster, margin: 0.5))
    }
}

/// The routes on a real Unix socket, over a small index.
final class TestDaemon: Sendable {
    static let started = Timestamp(milliseconds: 1_795_560_600_125)

    let folder: TemporaryFolder
    let catalog: ImageCatalog
    let readiness = Readiness(.ready)
    let root: Int64
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    var socket: String { folder.path + "/dcd.sock" }
    var pictures: String { folder.path + "/pictures" }

    var client: DaemonClient {
        DaemonClient(SocketPlaces(named: socket, environment: [:]))
    }

    init() async throws {
        folder = try TemporaryFolder()
        let watched = folder.path + "/pictures"
        try FileManager.default.createDirectory(
            atPath: watched, withIntermediateDirectories: true)
        catalog = try ImageCatalog(path: folder.path + "/index.sqlite")
        try await catalog.use(
            ModelDescription(sha256: "abc", dimension: 2, centroids: [1, 0, 0, 1]))
        root = try await catalog.setRoots([FilePath(watched)])[0].id
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let routes = Routes(
            catalog: catalog, embedder: DigitEmbedder(), model: Self.model,
            indexing: InstantIndexing(catalog: catalog, root: root), readiness: readiness,
            metrics: MetricsRegistry(), started: Self.started)
        let server = HTTPServer(
            socket: try ListeningSocket(binding: folder.path + "/dcd.sock"),
            responder: routes.responder(), logger: logger)
        group = ServiceGroup(services: [server], logger: logger)
        running = Task { [group] in try await group.run() }
    }

    /// Stops the server as SIGTERM does, and waits until it is gone.
    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await running.value
    }

    static let model = ModelInfo(
        sha256: "abc", path: "/m", precision: "int8", dimension: 2, clusters: 2, inputWidth: 5,
        inputHeight: 4, rule: "nearest centroid, squared L2", recipe: "test", seed: 1, epochs: 2,
        trainedOn: 3, license: "CC0-1.0", weightBits: 8)

    /// Adds indexed pictures, the k-th with the similarity cos(k/10) to the first axis.
    @discardableResult
    func add(_ paths: [FilePath]) async throws -> [Int64] {
        var files: [FoundFile] = []
        for (place, path) in paths.enumerated() {
            files.append(
                FoundFile(
                    path: path,
                    identity: FileIdentity(
                        device: 1, inode: UInt64(place + 10), size: 7,
                        modified: 1_795_560_600_125_000_000)))
        }
        let ids = try await catalog.register(files, root: root).map { registration in
            guard case .added(let id) = registration else {
                throw Problem(.internalError, "\(registration)")
            }
            return id
        }
        let results = zip(ids, files).enumerated().map { place, pair in
            let angle = Float(place) / 10
            return ImageResult(
                image: pair.0, identity: pair.1.identity, sha256: "\(place)",
                verdict: .embedded(
                    EmbeddedImage(
                        width: 5, height: 4,
                        vector: [Foundation.cos(angle), Foundation.sin(angle)],
                        assignment: Assignment(
                            cluster: 0, distance: angle, second: 1, margin: 0.5))))
        }
        try await catalog.store(results)
        return ids
    }

    /// Adds indexed pictures by name.
    @discardableResult
    func add(names: [String]) async throws -> [Int64] {
        try await add(names.map { "\(pictures)/\($0)" })
    }
}
