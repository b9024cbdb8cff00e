import Files
import Foundation
import Model
import Training

/// What `fit` prints when the model is there.
struct FitResult: Encodable {
    private let model: String
    private let sha256: String
    private let settings: FitSettings
    private let lastEpoch: EpochMetrics?
    private let skipped: Int

    init(_ session: FitSession) throws {
        model = session.modelPath
        sha256 = try FileDigest.sha256(ofFileAt: FilePath(session.modelPath))
        settings = session.plan.settings
        lastEpoch = session.metrics.last
        skipped = session.plan.skipped
    }

    /// Prints what a run would do; text has gone to standard error already.
    static func printPlan(_ plan: FitPlan, json: Bool) throws {
        if json { Swift.print(try PlannedRun(plan).json()) }
    }

    func print(json: Bool) throws {
        guard json else {
            Swift.print("\(model)  \(settings.clusters) clusters, \(settings.epochs) epochs")
            return
        }
        Swift.print(try self.json())
    }
}

/// What `fit --dry-run --json` prints.
private struct PlannedRun: Encodable {
    private let settings: FitSettings
    private let recipeReason: String
    private let skipped, cached, memory: Int
    private let minutes, secondsPerEpoch: Double?

    init(_ plan: FitPlan) {
        (settings, recipeReason) = (plan.settings, plan.recipeReason)
        (skipped, cached, memory) = (plan.skipped, plan.cached, plan.memory)
        (minutes, secondsPerEpoch) = (plan.expectedMinutes, plan.secondsPerEpoch)
    }
}
