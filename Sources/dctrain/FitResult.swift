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
        sha256 = try FileDigest.sha256(ofFileAt: session.modelPath)
        settings = session.plan.settings
        lastEpoch = session.metrics.last
        skipped = session.plan.skipped
    }

    func print(json: Bool) throws {
        guard json else {
            Swift.print("\(model)  \(settings.clusters) clusters, \(settings.epochs) epochs")
            return
        }
        Swift.print(try self.json())
    }
}
