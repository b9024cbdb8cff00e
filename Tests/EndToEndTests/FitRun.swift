import Foundation
import TestSupport

/// A small `dctrain fit`, some three seconds long, that is disturbed while it works.
struct FitRun {
    /// Of which recipe.
    let recipe: String
    /// The run folder.
    let folder: String
    private let output: String

    /// A run that has not begun.
    ///
    /// - Parameters:
    ///   - recipe: `v1` or `v2`.
    ///   - folder: Where the run folder and what the program says are to lie.
    ///   - name: The run folder's name.
    init(_ recipe: String, in folder: String, name: String = "run") {
        (self.recipe, self.folder) = (recipe, "\(folder)/\(name)")
        output = "\(folder)/\(name).log"
    }

    /// Begins the run, or goes on with it, at a fixed number of threads.
    ///
    /// - Returns: The program at work.
    /// - Throws: A POSIX error where it cannot be started.
    func start() throws -> ChildProcess {
        try ChildProcess(
            Program.dctrain.path,
            [
                "fit", Self.pictures, "--run", folder, "--recipe", recipe, "--size", "28",
                "--clusters", "4", "--epochs", "3", "--batch", "8", "--threads", "2",
                "--checkpoint-every", "1",
            ],
            output: output, errors: output)
    }

    /// Runs to the end.
    ///
    /// - Returns: The exit status.
    func finish() async throws -> Int32 { try await start().ended() }

    /// All that the program has said, in every start.
    var said: String { (try? String(contentsOfFile: output, encoding: .utf8)) ?? "" }

    /// The path of the model.
    var model: String { "\(folder)/model.safetensors" }

    /// What a run leaves but for the times it took: the model's bytes, and the log without what
    /// depends on the machine.
    func result() throws -> [Data] {
        let log = try Data(contentsOf: URL(filePath: "\(folder)/metrics.jsonl"))
        let lines = try log.split(separator: 10).map { line in
            var epoch = try JSONSerialization.jsonObject(with: line) as? [String: Any] ?? [:]
            epoch["phases"] = nil
            epoch["memory"] = nil
            return try JSONSerialization.data(withJSONObject: epoch, options: .sortedKeys)
        }
        return try [Data(contentsOf: URL(filePath: model))] + lines
    }

    private static let home = "\(Program.folder)/disturbed"
    private static var pictures: String { "\(home)/pictures" }

    /// What the recipe's run leaves when nothing disturbs it, and how long that took.
    static func undisturbed(_ recipe: String) async throws -> (result: [Data], time: Duration) {
        guard let run = try await undisturbedRuns.value[recipe] else {
            throw Unexpected("there is no recipe '\(recipe)'")
        }
        return run
    }

    /// Made once for all tests, in the build folder, where nothing is left to clean.
    private static let undisturbedRuns = Task {
        try? FileManager.default.removeItem(atPath: home)
        try SyntheticPictures.write(0..<120, to: pictures)
        var runs: [String: (result: [Data], time: Duration)] = [:]
        for recipe in ["v1", "v2"] {
            let run = FitRun(recipe, in: home, name: recipe)
            let start = ContinuousClock.now
            guard try await run.finish() == 0 else { throw Unexpected("dctrain fit: \(run.said)") }
            runs[recipe] = (try run.result(), ContinuousClock.now - start)
        }
        return runs
    }
}
