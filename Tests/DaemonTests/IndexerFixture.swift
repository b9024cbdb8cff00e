import Catalog
import Daemon
import Files
import FolderWatch
import Foundation
import Logging
import Model
import Synchronization
import TestSupport
import Testing

/// A decoder whose pictures are PNG files of one pixel: the view is that pixel.
///
/// It counts its calls, and refuses, hangs or stops as it is told.
final class PixelDecoder: BacklogDecoder {
    private let state = Mutex((calls: 0, hanging: false))

    var calls: Int { state.withLock { $0.calls } }

    func hang(_ hanging: Bool) { state.withLock { $0.hanging = hanging } }

    func backlogView(descriptor: CInt) async throws(DecodeFailure) -> DecodedView {
        state.withLock { $0.calls += 1 }
        while state.withLock({ $0.hanging }) {
            try? await Task.sleep(for: .milliseconds(20))
        }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        // Signature, IHDR (25), then IDAT: length, type, two bytes of zlib, five of the stored
        // block and the filter before the pixel.
        let first = 8 + 25 + 8 + 2 + 5 + 1
        guard count >= first + 3 else { throw .refused(reason: "it is cut off") }
        return DecodedView(
            width: 1, height: 1, pixels: Array(bytes[first..<first + 3]))
    }
}

/// An embedder that makes a unit vector of a pixel; the cluster is its largest channel.
struct PixelEmbedder: BacklogEmbedder {
    func embed(_ view: DecodedView) async throws -> EmbeddedImage {
        let vector = view.pixels.map { Float($0) + 1 }
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let cluster = vector.firstIndex(of: vector.max() ?? 0) ?? 0
        return EmbeddedImage(
            width: view.width, height: view.height, vector: vector.map { $0 / norm },
            assignment: Assignment(
                cluster: cluster, distance: 0.5, second: (cluster + 1) % 3, margin: 0.5))
    }
}

/// Folders of one-pixel pictures, an index, and indexers that come and go.
final class IndexerFixture: Sendable {
    let folder: TemporaryFolder
    let decoder = PixelDecoder()
    private let began = Mutex<Int64>(0)
    var pictures: String { folder.path + "/pictures" }
    var index: String { folder.path + "/index.sqlite" }

    init() throws {
        folder = try TemporaryFolder()
        try makeFolder("")
    }

    func path(_ name: String) -> String { name.isEmpty ? pictures : pictures + "/" + name }
    func place(_ name: String) -> FilePath { FilePath(path(name)) }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(
            atPath: path(name), withIntermediateDirectories: true)
    }

    /// Writes a picture; its time is long ago, so that nothing waits for it to be quiet.
    func write(_ name: String, _ pixel: [UInt8], old: Bool = true) throws {
        try write(name, bytes: PNGWriter.encode(width: 1, height: 1, pixels: pixel), old: old)
    }

    func write(_ name: String, bytes: [UInt8], old: Bool = true) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)), options: [])
        guard old else { return }
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)],
            ofItemAtPath: path(name))
    }

    func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: path(name), toPath: path(other))
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: path(name))
    }

    /// Runs an indexer while `body` does its work, then stops it as the daemon does.
    func running(
        model: String = "a", roots: [String]? = nil,
        _ body: (ImageCatalog, Indexer) async throws -> Void
    ) async throws {
        let catalog = try ImageCatalog(path: index)
        try await catalog.use(
            ModelDescription(
                sha256: model, dimension: 3, centroids: [1, 0, 0, 0, 1, 0, 0, 0, 1]))
        var settings = WatchSettings()
        settings.settle = .milliseconds(60)
        settings.closeSettle = .milliseconds(20)
        settings.lostInterval = .milliseconds(50)
        let indexer = Indexer(
            catalog: catalog,
            roots: (roots ?? [pictures]).map { WatchedRoot(path: FilePath($0)) },
            decoder: decoder, embedder: PixelEmbedder(), workers: 2,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            watchSettings: settings)
        began.withLock { $0 = Int64(Date().timeIntervalSince1970 * 1000) }
        let running = Task { try await indexer.run() }
        do {
            try await body(catalog, indexer)
        } catch {
            running.cancel()
            _ = try? await running.value
            throw error
        }
        running.cancel()
        try await running.value
        try catalog.close()
    }

    /// Waits until every root was compared in this run and nothing is pending.
    func settle(
        _ catalog: ImageCatalog, sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: (CatalogStatus) async throws -> Bool = { _ in true }
    ) async throws {
        for _ in 0..<2000 {
            let status = try await catalog.status()
            let start = began.withLock { $0 }
            let isCompared = status.roots.allSatisfy {
                !$0.online || ($0.reconciledAt ?? 0) >= start
            }
            if isCompared, status.counts.pending == 0, status.nextModel == nil,
                try await condition(status)
            {
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record(
            "still waiting: \(try await catalog.status())", sourceLocation: sourceLocation)
    }

    /// The names of the pictures in a state, in the order of bytes.
    func names(_ catalog: ImageCatalog, _ state: ImageState = .indexed) async throws -> [String] {
        try await catalog.images(limit: 100_000, state: state).map {
            String($0.path.description.dropFirst(pictures.count + 1))
        }.sorted()
    }
}
