private import Clustering
private import Model
package import Pictures
private import Tensors
import Vocabulary

/// The epochs of a run: cluster, relabel, train, again and again; then ship.
package final class FitLoop {
    private let settings: FitSettings
    private let folder: RunFolder
    private let recipe: any EpochRecipe
    private let observer: any FitObserver
    private let loader: BatchLoader
    private let times = PhaseTimes()
    private let checkpointEvery: Duration
    private var state = TrainingState()
    private var isNew = true
    private var metrics: [EpochMetrics] = []
    private var lastSave = ContinuousClock.now
    /// How long the last saving of a state took.
    private var saveTime = Duration.zero
    /// Whoever asks for a stop kills after ten seconds: where a step and its saving may not be over
    /// by then, each step is saved.
    private static let patience = Duration.seconds(6)

    /// A run at its beginning, or where the run folder's newest state left it.
    ///
    /// - Parameters:
    ///   - settings: What to do.
    ///   - store: The pictures.
    ///   - folder: Where the run is kept.
    ///   - checkpointEvery: How often the state is saved within an epoch.
    ///   - observer: Who hears of the progress, and may stop the run.
    /// - Throws: `TrainingError` where the network does not fit its input or the state.
    package init(
        _ settings: FitSettings, store: PictureStore, folder: RunFolder,
        checkpointEvery: Duration = .seconds(120), observer: any FitObserver
    ) throws {
        (self.settings, self.folder, self.observer) = (settings, folder, observer)
        self.checkpointEvery = checkpointEvery
        loader = BatchLoader(
            store, views: settings.views, seed: settings.seed, threads: settings.threads)
        recipe = try settings.recipe.makeRecipe(settings, pictures: store.count)
        try resume()
    }

    /// Works until the model is there.
    ///
    /// - Throws: `Interruption` when the observer wants to stop; what is done is saved.
    package func run() throws {
        if isNew {
            try settings.initial.map { try recipe.load(backbone: $0.weights()) }
            if settings.epochs > 0 { try recipe.prepare(work) }
        }
        while state.epoch < settings.epochs {
            if !state.isClustered { try cluster() }
            try train()
            try finishEpoch()
        }
        try ship()
    }

    private func cluster() throws {
        let clustering = try recipe.cluster(epoch: state.epoch, work)
        if let before = state.assignments("assignments") {
            state.nmiPrevious = ClusterQuality.normalizedMutualInformation(
                clustering.assignments, before, average: .geometric)
            state.reassigned = ClusterQuality.shareReassigned(
                clustering.assignments, from: before)
        }
        state.store(clustering.assignments, as: "assignments")
        state.objective = clustering.objective
        state.isClustered = true
    }

    private func train() throws {
        let requests = recipe.requests(epoch: state.epoch)
        let total = requests.reduce(0) { $0 + $1.count }
        var done = requests[..<state.step].reduce(0) { $0 + $1.count }
        let batches = loader.crops(requests, from: state.step, epoch: state.epoch)
        try work.phase(.training, total: total, done: done) {
            var start = ContinuousClock.now
            while let batch = batches.next() {
                let step = step(state.step, of: requests.count)
                let loss = recipe.step(batch, of: requests[step.index], at: step)
                guard loss.isFinite else {
                    throw TrainingError.diverged(epoch: step.epoch + 1, step: step.index + 1)
                }
                state.lossSum += Double(loss) * Double(batch.count)
                state.step += 1
                done += batch.count
                observer.advance(to: done)
                try saveIfDue(stepTime: ContinuousClock.now - start)
                start = .now
            }
        }
        state.meanLoss = state.lossSum / Double(total)
        state.learningRate = recipe.learningRate(at: step(state.step - 1, of: requests.count))
    }

    private func step(_ index: Int, of count: Int) -> Step {
        Step(epoch: state.epoch, index: index, count: count)
    }

    private func finishEpoch() throws {
        let epoch = try epochMetrics()
        metrics.append(epoch)
        try folder.record(metrics)
        observer.finished(epoch)
        state.beginNextEpoch()
        try save()
    }

    private func epochMetrics() throws -> EpochMetrics {
        let assignments = state.assignments("assignments") ?? []
        return EpochMetrics(
            epoch: state.epoch, loss: state.meanLoss, learningRate: state.learningRate,
            objective: state.objective, nmiPrevious: state.nmiPrevious,
            reassigned: state.reassigned,
            clusters: EpochMetrics.ClusterSizes(
                assignments: assignments, clusters: recipe.clusterCount),
            labels: EpochMetrics.LabelAgreement(assignments, labels: loader.store.labels),
            phases: times.take(pictures: pictures(of:)), memory: MemoryEstimate.peak)
    }

    /// How many pictures a phase of an epoch works on.
    private func pictures(of phase: ProgressPhase) -> Double {
        (phase == .training ? settings.reassign : 1) * Double(loader.store.count)
    }

    private func ship() throws {
        let projected = try work.embeddings(
            .shipping, from: recipe, settings, exponent: settings.whiten)
        let checkpoint = try work.phase(.clustering, total: 0) {
            try ShippedModel.make(
                backbone: recipe.backbone, projected: projected, settings: settings)
        }
        try checkpoint.write(to: folder.modelPath)
        for picture in loader.store.lostPictures {
            observer.note("'\(picture.path)' \(picture.reason); grey took its place")
        }
    }

    private var work: FitWork {
        FitWork(
            loader: loader, batch: settings.batch,
            epoch: state.epoch < settings.epochs ? state.epoch : nil, observer: observer,
            times: times)
    }
}

// MARK: - State

extension FitLoop {
    private func resume() throws {
        guard let saved = folder.newestState(note: observer.note) else { return }
        try recipe.restore(from: saved)
        state = saved
        state.keepOnlyAssignments()
        isNew = false
        metrics = folder.metrics().filter { $0.epoch < saved.epoch }
        if saved.epoch < settings.epochs {
            observer.note(
                "going on with epoch \(saved.epoch + 1) of \(settings.epochs), "
                    + "step \(saved.step + 1)")
        }
    }

    private func save() throws {
        let start = ContinuousClock.now
        var complete = state
        recipe.save(to: &complete)
        try folder.save(complete)
        lastSave = .now
        saveTime = lastSave - start
    }

    private func saveIfDue(stepTime: Duration) throws {
        if observer.shouldStop {
            try save()
            throw Interruption()
        }
        let isDue = ContinuousClock.now - lastSave > checkpointEvery
        if isDue || stepTime + saveTime > Self.patience { try save() }
    }
}
