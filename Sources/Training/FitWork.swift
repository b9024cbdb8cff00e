package import Tensors

/// Passes over all pictures that report their progress and can be stopped.
package struct FitWork {
    /// Makes batches of the pictures.
    package let loader: BatchLoader
    /// The number of pictures in a batch.
    package let batch: Int
    /// The epoch, for reports.
    package var epoch: Int?
    /// Who hears of the progress.
    package let observer: any FitObserver
    /// What it took so far.
    package let times: PhaseTimes

    /// Runs one phase, reporting its begin and end and keeping its time.
    package func phase<Result>(
        _ phase: FitPhase, total: Int, _ body: () throws -> Result
    ) rethrows -> Result {
        observer.begin(phase, epoch: epoch, total: total)
        defer { observer.end(phase) }
        let start = ContinuousClock.now
        let result = try body()
        times.add(phase, ContinuousClock.now - start, pictures: loader.store.count)
        return result
    }

    /// Calls `body` with each batch of `batches`.
    ///
    /// - Throws: `FitInterruption` when the observer wants to stop.
    package func forEach(
        of batches: Prefetcher<Tensor<Float>>, _ body: (Tensor<Float>) throws -> Void
    ) throws {
        var done = 0
        while let batch = batches.next() {
            try body(batch)
            done += batch.shape[0]
            observer.advance(to: done)
            if observer.shouldStop { throw FitInterruption() }
        }
    }

    /// The features of all pictures' centre views, `[pictures, d]`.
    package func features(
        _ phase: FitPhase, from recipe: any EpochRecipe
    ) throws -> Tensor<Float> {
        let count = loader.store.count
        return try self.phase(phase, total: count) {
            var values: [Float] = []
            try forEach(of: loader.centerViews(batch: batch)) { views in
                let features = recipe.features(of: views)
                if values.isEmpty { values.reserveCapacity(count * features.rowCount) }
                values += features.elements
            }
            return Tensor(values, shape: [count, values.count / count])
        }
    }
}

/// The time that each phase of an epoch took.
package final class PhaseTimes {
    private var entries: [EpochMetrics.PhaseTime] = []

    /// No times yet.
    package init() {}

    /// Adds the time of a phase.
    package func add(_ phase: FitPhase, _ duration: Duration, pictures: Int) {
        let seconds = duration / .seconds(1)
        entries.append(
            EpochMetrics.PhaseTime(
                phase: phase, seconds: seconds,
                picturesPerSecond: Double(pictures) / max(seconds, 1e-9)))
    }

    /// The times since the last call.
    package func take() -> [EpochMetrics.PhaseTime] {
        defer { entries = [] }
        return entries
    }
}
