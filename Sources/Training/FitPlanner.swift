import Imaging
import Model

/// Settles what a request leaves open: from the pictures, from the run folder, and from a
/// measurement of this machine's speed.
struct FitPlanner {
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
            at: request.images, limit: limit, seed: seed ?? FitSettings.standardSeed)
    }

    private func store(
        _ source: any PictureSource, _ input: InputSpecification, threads: Int
    ) throws -> PictureStore {
        observer.begin(.reading, epoch: nil, total: source.count)
        defer { observer.end(.reading) }
        return try PictureStore(
            source, input: input, memory: request.memory, threads: threads
        ) { done in
            observer.advance(to: done)
            return !observer.shouldStop
        }
    }

    private var threads: Int { request.threads ?? ThreadTeam.available }

    // MARK: A new run

    func planNewRun() throws -> (FitPlan, PictureStore) {
        let source = try source(limit: request.maxPictures, seed: request.seed)
        let size = try self.size(for: source)
        var input = InputSpecification.square(size)
        input.decode = .dct
        let store = try store(source, input, threads: threads)
        var settings = settings(size: size, store: store, digest: source.digest)
        try settings.validate()

        let epochs = request.epochs
        let minutes = request.minutes ?? (epochs == nil ? Self.standardMinutes : nil)
        observer.begin(.measuring, epoch: nil, total: 0)
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
                memory: MemoryEstimate.bytes(settings, cached: store.cachedBytes),
                isResumed: false, isFinished: false), store
        )
    }

    private func settings(size: Int, store: PictureStore, digest: String) -> FitSettings {
        let recipe = request.recipe ?? (store.count < Self.smallSet ? .v2 : .v1)
        let settings = FitSettings(
            recipe: recipe, network: request.network ?? (size < 128 ? .small : .alexnet),
            sobel: request.sobel ?? (recipe == .v1), size: size,
            clusters: request.clusters ?? Self.clusters(for: store.count),
            epochs: 1, pictures: store.count, picturesDigest: digest,
            seed: request.seed ?? FitSettings.standardSeed, threads: threads)
        return request.applied(to: settings)
    }

    /// About 100 pictures a cluster, as ImageNet's 10,000 clusters have, and 10 at least.
    static func clusters(for pictures: Int) -> Int {
        max(2, min(10_000, max(pictures / 100, min(10, pictures / 4))))
    }

    /// The size given, or one that the pictures fill.
    private func size(for source: any PictureSource) throws -> Int {
        if let size = request.size { return size }
        if request.network == .alexnet { return 224 }
        let sample = stride(from: 0, to: source.count, by: max(1, source.count / 15))
        let sides = sample.compactMap { index in
            (try? source.picture(at: index, for: InputSpecification.square(64)))
                .map { min($0.width, $0.height) }
        }.sorted()
        guard !sides.isEmpty else { return 64 }
        return max(16, min(64, sides[sides.count / 2]))
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
        try refuse(wanted.differences(from: begun), folder)

        var store: PictureStore?
        if !folder.isFinished {
            store = try self.store(source, begun.input, threads: wanted.threads)
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
                expectedMinutes: nil,
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
