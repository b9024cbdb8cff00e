import FloatNetworks
import LinearAlgebra
public import Pictures

/// A run from its request to its checkpoint.
///
/// Making one takes the run folder, reads the pictures and settles the plan; `run` does it.
public final class FitSession {
    /// What will be done.
    public let plan: FitPlan
    private let request: FitRequest
    private let folder: RunFolder
    private let observer: any FitObserver
    /// The pictures to train on, where there is something left to do.
    private let store: PictureStore?

    /// Settles what a request means.
    ///
    /// - Parameters:
    ///   - request: What the user wants.
    ///   - source: The pictures, where they are not those at `request.images`.
    ///   - observer: Who hears of the progress, and may stop the work.
    /// - Throws: `TrainingError` and others with a sentence for the user; `Interruption` where
    ///   the observer stops the reading.
    public init(
        _ request: FitRequest, source: (any PictureSource)? = nil, observer: any FitObserver
    ) throws {
        (self.request, self.observer) = (request, observer)
        try request.validate()
        BLAS.setThreads(request.threads ?? ThreadTeam.available)
        // The pictures first, so that a mistyped folder leaves no run folder behind.
        let planner = try FitPlanner(request, source: source, observer: observer)
        folder = try RunFolder(request.run)
        let pictures: PictureStore?
        if let begun = try folder.settings() {
            (plan, pictures) = try planner.plan(resuming: begun, folder: folder)
        } else {
            do {
                (plan, pictures) = try planner.planNewRun()
                if !request.isDryRun { try folder.record(plan.settings) }
            } catch {
                folder.discard()
                throw error
            }
            if request.isDryRun { folder.discard() }
        }
        store = request.isDryRun ? nil : pictures
        if let store { try folder.record(store.skipped) }
    }

    /// The path of the finished float checkpoint.
    public var modelPath: String { folder.modelPath }

    /// The log so far.
    public var metrics: [EpochMetrics] { folder.metrics() }

    /// Trains until the checkpoint is there; a finished run is left as it is.
    ///
    /// - Throws: `Interruption` where the observer stopped it: the same request goes on where
    ///   it was. `TrainingError` and others with a sentence for the user.
    public func run() throws {
        guard let store else { return }
        try FitLoop(
            plan.settings, store: store, folder: folder,
            checkpointEvery: request.checkpointEvery, observer: observer
        ).run()
    }
}
