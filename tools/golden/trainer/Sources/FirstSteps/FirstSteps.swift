import ArgumentParser
import Foundation
import Pictures
import Training

/// Trains as `dctrain fit` does, and keeps the state after each of the first steps.
@main
struct FirstSteps: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "first-steps",
        abstract: "Keeps what a run knows after each of its first steps, for first_steps.py.")

    @Argument(help: "A folder of pictures, or a text file with one path a line.")
    var images: String

    @Option(name: .shortAndLong, help: "The new folder for the run and its states.")
    var output: String

    @Option(help: "The number of steps.")
    var steps = 50

    @Option(help: "v1 or v2.", transform: named)
    var recipe = Recipe.v2

    @Option(help: "The backbone.", transform: named)
    var network: Architecture?

    @Option(help: "The side of the network's input in pixels.")
    var size = 32

    @Option(help: "The number of clusters.")
    var clusters = 20

    @Option(help: "The number of epochs of the run that begins with these steps.")
    var epochs = 10

    @Option(help: "The number of pictures in a step.")
    var batch: Int?

    @Option(help: "The learning rate.")
    var learningRate: Float?

    @Option(help: "The seed of every random choice.")
    var seed: UInt64 = 31

    @Option(help: "The number of threads.")
    var threads = 1

    func run() throws {
        var request = FitRequest(images: images, run: "\(output)/run")
        request.recipe = recipe
        request.network = network
        request.size = size
        request.clusters = clusters
        request.epochs = epochs
        request.batch = batch
        request.learningRate = learningRate
        request.seed = seed
        request.threads = threads
        request.checkpointEvery = .zero  // the state is saved after every step
        let keeper = StateKeeper(folder: output, steps: steps)
        do {
            try FitSession(request, observer: keeper).run()
        } catch is Interruption {
            // After so many steps, as intended.
        }
        try keeper.keepNewest()
    }
}

/// The case of that name.
private func named<Value: RawRepresentable>(_ name: String) throws -> Value
where Value.RawValue == String {
    guard let value = Value(rawValue: name) else {
        throw ValidationError("there is no '\(name)'")
    }
    return value
}

/// Gives each state that a run saves a second name, since a run keeps but two of its states.
private final class StateKeeper: FitObserver {
    private let folder: String
    private let steps: Int
    private var stepsDone = 0
    private var phase: ProgressPhase?
    private var kept: Set<String> = []

    init(folder: String, steps: Int) {
        (self.folder, self.steps) = (folder, steps)
    }

    /// Links the states that are new.
    func keepNewest() throws {
        let saved = "\(folder)/run/checkpoints"
        for name in try FileManager.default.contentsOfDirectory(atPath: saved)
        where name.hasSuffix(".safetensors") && kept.insert(name).inserted {
            try FileManager.default.linkItem(
                atPath: "\(saved)/\(name)", toPath: "\(folder)/\(name)")
        }
    }

    private func keep() {
        do {
            try keepNewest()
        } catch {
            // What the protocol cannot throw.
            fatalError("\(error)")
        }
    }

    func begin(_ phase: ProgressPhase, epoch: Int?, total: Int, done: Int) {
        self.phase = phase
    }

    // The step is done and its state about to be saved; the one before is there.
    func advance(to done: Int) {
        guard phase == .training else { return }
        keep()
        stepsDone += 1
    }

    func end(_ phase: ProgressPhase) { if phase == .training { keep() } }
    func finished(_ epoch: EpochMetrics) {}
    func note(_ message: String) { FileHandle.standardError.write(Data("\(message)\n".utf8)) }
    var shouldStop: Bool { stepsDone >= steps }
}
