private import Clustering
package import Pictures
import Tensors
package import Vocabulary

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

    /// Passes over the pictures of `loader`, in batches of `batch`.
    package init(
        loader: BatchLoader, batch: Int, epoch: Int?, observer: any FitObserver,
        times: PhaseTimes = PhaseTimes()
    ) {
        (self.loader, self.batch, self.epoch) = (loader, batch, epoch)
        (self.observer, self.times) = (observer, times)
    }

    /// Runs one phase, reporting its begin and end and keeping its time; `done` of its items were
    /// done before the run was stopped.
    package func phase<Result>(
        _ phase: ProgressPhase, total: Int, done: Int = 0, _ body: () throws -> Result
    ) rethrows -> Result {
        observer.begin(phase, epoch: epoch, total: total, done: done)
        defer { observer.end(phase) }
        let start = ContinuousClock.now
        let result = try body()
        let skipped = total > 0 ? Double(done) / Double(total) : 0
        times.add(phase, ContinuousClock.now - start, skipped: skipped)
        return result
    }

    /// Calls `body` with each batch of `batches`.
    ///
    /// - Throws: `Interruption` when the observer wants to stop.
    package func forEach<Batch: PictureBatch>(
        of batches: Prefetcher<Batch>, _ body: (Batch) throws -> Void
    ) throws {
        var done = 0
        while let batch = batches.next() {
            try body(batch)
            done += batch.pictureCount
            observer.advance(to: done)
            if observer.shouldStop { throw Interruption() }
        }
    }

    /// The embeddings of all pictures: the features of their centre views through PCA and to
    /// unit length.
    ///
    /// PCA is fitted on all features, or on those of a random part of the pictures where
    /// `settings` limits how many are kept; the others are projected as they come.
    ///
    /// - Parameters:
    ///   - phase: What the passes count as.
    ///   - recipe: Whose features they are.
    ///   - settings: The run's settings.
    ///   - exponent: The whitening exponent.
    /// - Returns: The embeddings and the projection they were made with.
    /// - Throws: `ClusteringError` where the features span no direction or hold no number, or
    ///   `Interruption`.
    package func embeddings(
        _ phase: ProgressPhase, from recipe: any EpochRecipe, _ settings: FitSettings,
        exponent: Float
    ) throws -> ProjectedFeatures {
        let count = loader.store.count
        var fitted = Array(0..<count)
        if let limit = settings.projectionPictures, limit < count {
            var random = RandomStream.projection.generator(seed: settings.seed, epoch ?? -1)
            fitted = random.permutation(count).prefix(limit).sorted()
        }
        let features = try self.features(phase, of: fitted, from: recipe)
        var projected = try self.phase(.clustering, total: 0) {
            try ProjectedFeatures(
                fitting: features, dimensions: ShippedModel.dimension, exponent: exponent)
        }
        guard fitted.count < count else { return projected }

        let isFitted = Set(fitted)
        let others = (0..<count).filter { !isFitted.contains($0) }
        let dimension = projected.pca.components
        var rows = [Float](repeating: 0, count: count * dimension)
        func place(_ embeddings: Tensor<Float>, of pictures: ArraySlice<Int>) {
            for (row, picture) in pictures.enumerated() {
                rows.replaceSubrange(
                    picture * dimension..<(picture + 1) * dimension, with: embeddings[row: row])
            }
        }
        place(projected.rows, of: fitted[...])
        projected.rows = Tensor([], shape: [0, dimension])
        try self.phase(phase, total: others.count) {
            var done = 0
            try forEach(of: loader.centerViews(of: others, batch: batch)) { views in
                let embeddings = projected.project(recipe.features(of: views))
                place(embeddings, of: others[done..<done + embeddings.shape[0]])
                done += embeddings.shape[0]
            }
        }
        projected.rows = Tensor(rows, shape: [count, dimension])
        return projected
    }

    /// The features of some pictures' centre views, `[n, d]`.
    private func features(
        _ phase: ProgressPhase, of pictures: [Int], from recipe: any EpochRecipe
    ) throws -> Tensor<Float> {
        try self.phase(phase, total: pictures.count) {
            var values: [Float] = []
            try forEach(of: loader.centerViews(of: pictures, batch: batch)) { views in
                let features = recipe.features(of: views)
                if values.isEmpty {
                    values.reserveCapacity(pictures.count * features.rowSize)
                }
                values += features.elements
            }
            return Tensor(values, shape: [pictures.count, values.count / pictures.count])
        }
    }
}
