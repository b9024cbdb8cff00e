import Files
import FolderWatch
import Foundation
import Synchronization
import Testing

/// A folder being watched, and everything that was told of it.
final class WatchFixture: Sendable {
    let folder: String
    let outside: String
    let watcher: FolderWatcher
    private let told = Mutex<[WatchEvent]>([])
    private let collector = Mutex<Task<Void, Never>?>(nil)

    init(
        exclusions: [String] = [], settings: WatchSettings = quick,
        preparing: (String) throws -> Void = { _ in }
    ) async throws {
        let base = NSTemporaryDirectory() + "watch-\(UUID().uuidString)"
        (folder, outside) = (base + "/in", base + "/out")
        for path in [folder, outside] {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        }
        try preparing(folder)
        watcher = try FolderWatcher(
            roots: [
                WatchedRoot(path: FilePath(folder), exclusions: Exclusions(exclusions))
            ], settings: settings)
        let events = watcher.events
        collector.withLock { task in
            // Not held by the task, or the watcher would never be stopped.
            task = Task { [weak self] in
                for await batch in events { self?.told.withLock { $0 += batch } }
            }
        }
        try await expect { $0.contains(.rescan(folder: self.place(""), reason: .started)) }
    }

    deinit {
        watcher.stop()
        let base = String(folder.dropLast(3))
        try? FileManager.default.removeItem(atPath: base)
    }

    /// The usual settings, with shorter waits.
    static var quick: WatchSettings {
        var settings = WatchSettings()
        settings.settle = .milliseconds(100)
        settings.closeSettle = .milliseconds(30)
        settings.lostInterval = .milliseconds(50)
        return settings
    }

    func path(_ name: String) -> String { name.isEmpty ? folder : folder + "/" + name }
    func place(_ name: String) -> FilePath { FilePath(path(name)) }

    func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)), options: [])
    }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(
            atPath: path(name), withIntermediateDirectories: true)
    }

    var events: [WatchEvent] { told.withLock { $0 } }

    /// The names of the files that were told as quiet, in order.
    var settled: [String] {
        events.compactMap {
            guard case .settled(let path, _) = $0 else { return nil }
            return path.description.replacingOccurrences(
                of: folder + "/", with: "")
        }
    }

    /// Waits until the events are as wanted; gives up after a long time.
    func expect(
        sourceLocation: SourceLocation = #_sourceLocation, _ condition: ([WatchEvent]) -> Bool
    ) async throws {
        for _ in 0..<2000 {
            if condition(events) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("still waiting, told: \(events.suffix(40))", sourceLocation: sourceLocation)
    }

    func expectSettled(
        _ names: Set<String>, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await expect(sourceLocation: sourceLocation) { _ in names.isSubset(of: settled) }
    }
}
