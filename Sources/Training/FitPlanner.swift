import FloatNetworks
import Imaging
import LinearAlgebra
import Model
import Pictures
import Tensors
import Vocabulary

/// Settles what a request leaves open: from the pictures, from the run folder, and from a
/// measurement of this machine's speed.
package struct FitPlanner {
    /// The number of pictures below which v1 gains nothing: METHOD, small data sets.
    static let smallSet = 200_000
    /// The training time where the user gives neither epochs nor minutes.
    static let standardMinutes = 15.0

    private let request: FitRequest
    private let observer: any FitObserver
    private let givenSource: (any PictureSource)?

    init(
        _ request: FitRequest, source: (any PictureSource)?, observer: any FitObserver
    ) throws {
        (self.request, self.observer, givenSource) = (request, observer, source)
        // A first look, so that a wrong place is refused before anything is made.
        _ = try self.source(limit: request.maxPictures, seed: request.seed)
    }

    private func source(limit: Int?, seed: UInt64?) throws -> any PictureSource {
        if let givenSource { return givenSource }
        return try ListedPictures(
            at: request.images, limit: limit, seed: seed ?? RandomStream.standardSeed)
    }

    private func store(
        _ source: any PictureSource, _ input: InputSpecification, threads: Int,
        skipping known: Set<String>? = nil
    ) throws -> PictureStore {
        observer.begin(.reading, epoch: nil, total: source.count, done: 0)
        defer { observer.end(.reading) }
        return try PictureStore(
            source, input: input, memory: request.memory, threads: threads, skipping: known
        ) { done in
            observer.advance(to: done)
            return !observer.shouldStop
        }
    }

    private var threads: Int { request.threads ?? ThreadTeam.available }

    // MARK: A new run

    func planNewRun() throws -> (FitPlan, PictureStore) {
        let source = try source(limit: request.maxPictures, seed: request.seed)
        let initial = try self.initial()
        let size = try initial?.input.width ?? self.size(for: source)
        let store = try store(
            source, initial?.input ?? FitSettings.input(size: size), threads: threads)
        var settings = settings(
            size: size, initial: initial, store: store, digest: source.digest)
        try settings.validate()
        settings.projectionPictures = projectionPictures(settings)

        let epochs = request.epochs
        let minutes = request.minutes ?? (epochs == nil ? Self.standardMinutes : nil)
        observer.begin(.measuring, epoch: nil, total: 0, done: 0)
        let speed = try SpeedTrial.measure(settings, store: store)
        observer.end(.measuring)
        settings.minutes = minutes
        if epochs == nil, let minutes {
            settings.epochs = speed.epochs(within: minutes * 60)
        }
        return (
            FitPlan(
                settings: settings, recipeReason: reason(settings),
                skipped: store.skipped.count, cached: store.cachedCount,
                expectedMinutes: speed.seconds(epochs: settings.epochs) / 60,
                secondsPerEpoch: speed.epoch,
                memory: MemoryEstimate.bytes(settings, cached: store.cachedBytes),
                isResumed: false, isFinished: false), store
        )
    }

    private func settings(
        size: Int, initial: InitialModel?, store: PictureStore, digest: String
    ) -> FitSettings {
        let recipe = request.recipe ?? (store.count < Self.smallSet ? .v2 : .v1)
        let network = request.network ?? (size < 128 ? .small : .alexnet)
        let settings = FitSettings(
            recipe: recipe, network: initial == nil ? network : nil, initial: initial,
            sobel: initial?.hasSobel ?? request.sobel ?? (recipe == .v1), size: size,
            clusters: request.clusters ?? ShippedModel.clusters(for: store.count),
            epochs: 1, pictures: store.count, picturesDigest: digest,
            seed: request.seed ?? RandomStream.standardSeed, threads: threads)
        return request.applied(to: settings)
    }

    /// The checkpoint to begin with, where one is given.
    private func initial() throws -> InitialModel? {
        guard let path = request.initial else { return nil }
        if let network = request.network {
            throw VocabularyError.invalidSetting(
                name: "--network", value: network.rawValue,
                remedy: "the network is that of '\(path)', leave --network out")
        }
        let initial = try InitialModel(contentsOf: path, size: request.size)
        if let sobel = request.sobel, sobel != initial.hasSobel {
            throw VocabularyError.invalidSetting(
                name: sobel ? "--sobel" : "--no-sobel", value: "with --init",
                remedy: "'\(path)' sees \(sobel ? "colours" : "edges"), leave the option out")
        }
        return initial
    }

    /// How many pictures' features PCA is fitted on: `nil` for all, where these fit the memory
    /// allowed or are no larger than what is made of them.
    private func projectionPictures(_ settings: FitSettings) -> Int? {
        let width = settings.featureWidth
        let fitting = request.memory / (MemoryLayout<Float>.size * width)
        guard width > ShippedModel.dimension, fitting < settings.pictures else { return nil }
        // Fewer than some twenty times the dimension make a poor covariance.
        let pictures = max(fitting, 20 * width)
        return pictures < settings.pictures ? pictures : nil
    }

    /// The size given, or one that the pictures fill.
    private func size(for source: any PictureSource) throws -> Int {
        if let size = request.size { return size }
        let customary = request.network?.customarySizes ?? Architecture.small.customarySizes
        guard customary.count > 1 else { return customary.lowerBound }
        let sample = stride(from: 0, to: source.count, by: max(1, source.count / 15))
        let sides = sample.compactMap { index in
            (try? source.picture(at: index, for: InputSpecification.square(64)))
                .map { min($0.width, $0.height) }
        }.sorted()
        guard !sides.isEmpty else { return min(64, customary.upperBound) }
        return max(customary.lowerBound, min(customary.upperBound, sides[sides.count / 2]))
    }

    private func reason(_ settings: FitSettings) -> String {
        let few = settings.pictures < Self.smallSet
        return switch (settings.recipe, few) {
        case (.v2, true): "v2 works on small sets, on which v1 gains little or unlearns"
        case (.v2, false): "v2 as asked for"
        case (.v1, true): "v1 as asked for; it gains little on fewer than 200,000 pictures"
        case (.v1, false): "v1, the published method, has the pictures it needs"
        }
    }

    // MARK: A run begun before

    func plan(
        resuming begun: FitSettings, folder: RunFolder
    ) throws -> (FitPlan, PictureStore?) {
        let source = try source(
            limit: request.maxPictures ?? begun.maxPictures, seed: request.seed ?? begun.seed)
        var wanted = request.applied(to: begun)
        wanted.picturesDigest = source.digest
        if let path = request.initial {
            // Without --size it is the run's, not the checkpoint's.
            wanted.initial = try InitialModel(contentsOf: path, size: wanted.size)
        }
        try refuse(wanted.differences(from: begun), folder)

        var store: PictureStore?
        if !folder.isFinished {
            store = try self.store(
                source, begun.input, threads: wanted.threads, skipping: folder.skippedFields())
            wanted.pictures = store?.count ?? 0
            try refuse(wanted.differences(from: begun), folder)
            if wanted.threads != begun.threads || Processor.name != begun.processor {
                observer.note(
                    "begun with \(begun.threads) threads on \(begun.processor): on another CPU or "
                        + "with other threads the result differs in its last digits")
            }
        }
        return (
            FitPlan(
                settings: wanted, recipeReason: reason(begun),
                skipped: store?.skipped.count ?? 0, cached: store?.cachedCount ?? 0,
                expectedMinutes: nil, secondsPerEpoch: nil,
                memory: MemoryEstimate.bytes(begun, cached: store?.cachedBytes ?? 0),
                isResumed: true, isFinished: folder.isFinished), store
        )
    }

    private func refuse(_ differences: [String], _ folder: RunFolder) throws {
        guard differences.isEmpty else {
            throw TrainingError.settingsDiffer(folder: folder.path, differences: differences)
        }
    }
}
