import Files
import Foundation
import Model

/// The generations of a run's training state.
///
/// The two newest are kept. A file's name holds the beginning of its SHA-256, so a damaged one
/// is found out and the one before it used.
extension RunFolder {
    private var stateFolder: String { Self.stateFolder(of: path) }

    private static func stateFolder(of run: String) -> String { "\(run)/checkpoints" }

    /// The files of a run's saved states, newest first, whether they are whole or not.
    ///
    /// - Parameter run: The run folder, which another program may be at work on.
    /// - Returns: Paths, of which some may be gone at any moment.
    package static func stateFiles(of run: String) -> [String] {
        generations(of: run).map { "\(stateFolder(of: run))/\($0.name)" }
    }

    /// Saves the state as the newest generation and removes all but the one before.
    package func save(_ state: TrainingState) throws {
        // The name holds the digest, which is known when the file is there.
        let unnamed = DurableFile.temporaryPath(for: "\(stateFolder)/state")
        try state.file.write(to: unnamed.description)
        let digest = try FileDigest.sha256(ofFileAt: unnamed)
        let name = Generation(epoch: state.epoch, step: state.step, digest: digest).name
        try DurableFile.rename(unnamed, to: "\(stateFolder)/\(name)")
        for old in Self.generations(of: path).dropFirst(2) {
            try? DurableFile.remove("\(stateFolder)/\(old.name)")
        }
    }

    /// The newest state that is whole, or `nil` where there is none.
    ///
    /// - Parameter note: Told of each damaged generation that is passed over.
    /// - Returns: The state.
    package func newestState(note: (String) -> Void) -> TrainingState? {
        let generations = Self.generations(of: path)
        for generation in generations {
            let file = "\(stateFolder)/\(generation.name)"
            if let digest = try? FileDigest.sha256(ofFileAt: FilePath(file)),
                digest.hasPrefix(generation.digest),
                let content = try? SafetensorsFile(contentsOf: file),
                let state = TrainingState(content)
            {
                return state
            }
            note("'\(file)' is damaged: looking for the state saved before it")
            // Moved aside, so that it does not count as one of the two that are kept.
            try? DurableFile.move(FilePath(file), to: "\(file).damaged")
        }
        if !generations.isEmpty { note("no saved state is whole: beginning anew") }
        return nil
    }

    /// The saved generations, newest first.
    private static func generations(of run: String) -> [Generation] {
        let folder = stateFolder(of: run)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { Generation($0) }.sorted {
            ($0.epoch, $0.step) > ($1.epoch, $1.step)
        }
    }

    private struct Generation {
        let epoch, step: Int
        let digest: String

        init(epoch: Int, step: Int, digest: String) {
            (self.epoch, self.step, self.digest) = (epoch, step, String(digest.prefix(16)))
        }

        init?(_ name: String) {
            let parts = name.split(separator: ".")
            guard parts.count == 2, parts[1] == "safetensors" else { return nil }
            let fields = parts[0].split(separator: "-")
            guard fields.count == 4, fields[0] == "state", let epoch = Int(fields[1]),
                let step = Int(fields[2]), fields[3].count == 16
            else { return nil }
            self.init(epoch: epoch, step: step, digest: String(fields[3]))
        }

        var name: String { "state-\(epoch)-\(step)-\(digest).safetensors" }
    }
}
