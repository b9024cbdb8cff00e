import Files
import Foundation
import Model
package import Pictures

/// The folder that holds a training run: its settings, its log, its state and its result.
///
/// Every file appears whole or not at all. While an object of this type lives, no other
/// program works on the folder.
package final class RunFolder {
    /// The folder's path.
    package let path: String
    private let lock: FileLock
    /// The folders that were not there before, inner ones last.
    private let made: [FilePath]

    /// Creates the folder if it is not there, and takes it for this program alone.
    ///
    /// - Throws: `TrainingError.runFolderInUse` where another program has it.
    package init(_ path: String) throws {
        self.path = path
        made = try Folder.make("\(path)/checkpoints")
        do throws(FileLock.Failure) {
            lock = try FileLock("\(path)/.lock")
        } catch {
            switch error {
            case .taken: throw TrainingError.runFolderInUse(folder: path)
            case .system(let error): throw error
            }
        }
        removeLeftovers()
    }

    /// The path of the finished float checkpoint.
    package var modelPath: String { "\(path)/model.safetensors" }

    /// Whether the run has ended with a checkpoint.
    package var isFinished: Bool { FileManager.default.fileExists(atPath: modelPath) }

    /// Removes what making the folder made, for a run that does not come to be.
    package func discard() {
        try? DurableFile.remove("\(path)/.lock")
        // None is removed where something else is in it.
        for folder in made.reversed() { try? Folder.remove(folder) }
    }

    /// Removes temporary files that a killed program left.
    private func removeLeftovers() {
        let files = ["config.json", "metrics.jsonl", "skipped.tsv", "model.safetensors", "report"]
        for (folder, own) in [(path, files), ("\(path)/checkpoints", ["state"])] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            for name in names where name.hasSuffix(".tmp") {
                guard own.contains(where: { name.hasPrefix(".\($0).") }) else { continue }
                try? DurableFile.remove("\(folder)/\(name)")
            }
        }
    }
}

// MARK: - Settings, log and skipped pictures

extension RunFolder {
    private var configPath: String { "\(path)/config.json" }
    private var metricsPath: String { "\(path)/metrics.jsonl" }

    /// The settings the run was begun with, or `nil` in a new folder.
    package func settings() throws -> FitSettings? {
        guard let bytes = FileManager.default.contents(atPath: configPath) else { return nil }
        do {
            return try Self.decoder.decode(FitSettings.self, from: bytes)
        } catch {
            throw TrainingError.damagedRunFile(path: configPath, reason: "not a run's settings")
        }
    }

    /// Records the settings of a new run.
    package func record(_ settings: FitSettings) throws {
        let encoder = Self.encoder
        encoder.outputFormatting.insert(.prettyPrinted)
        try DurableFile.write([UInt8](encoder.encode(settings)) + [10], to: FilePath(configPath))
    }

    /// The log so far.
    package func metrics() -> [EpochMetrics] {
        guard let bytes = FileManager.default.contents(atPath: metricsPath) else { return [] }
        return bytes.split(separator: 10).compactMap {
            try? Self.decoder.decode(EpochMetrics.self, from: $0)
        }
    }

    /// Writes the log, a line an epoch.
    package func record(_ metrics: [EpochMetrics]) throws {
        let lines = try metrics.map { try [UInt8](Self.encoder.encode($0)) + [10] }
        try DurableFile.write(Array(lines.joined()), to: FilePath(metricsPath))
    }

    /// The files that could not be read when the run began, as `skipped.tsv` spells them; `nil`
    /// where the run was stopped before that was known.
    package func skippedFields() -> Set<String>? {
        SkippedFile.pathFields(inTableAt: "\(path)/skipped.tsv").map { Set($0) }
    }

    /// Lists the pictures that cannot be read.
    package func record(_ skipped: [SkippedFile]) throws {
        try SkippedFile.write(skipped, to: "\(path)/skipped.tsv")
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return encoder
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}
