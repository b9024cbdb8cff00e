import Model
import Pictures
import Tensors
import Vocabulary

/// How long the parts of a run take on this machine, measured on a few steps.
struct SpeedTrial {
    /// Before the first epoch.
    let preparation: Double
    /// One epoch.
    let epoch: Double
    /// After the last epoch.
    let shipping: Double

    /// The seconds that a run takes.
    func seconds(epochs: Int) -> Double {
        preparation + Double(epochs) * epoch + shipping
    }

    /// As many epochs as fit, with a twentieth to spare; one at least.
    func epochs(within seconds: Double) -> Int {
        let left = seconds * 0.95 - preparation - shipping
        return Int(max(1, min(100_000, left / epoch)))
    }

    /// Times a few steps and batches of features on weights that are thrown away.
    static func measure(_ settings: FitSettings, store: PictureStore) throws -> SpeedTrial {
        var trial = settings
        // A step of a large network takes many seconds; a part of it tells as much.
        if settings.activationBytes > 4 << 20 { trial.batch = min(settings.batch, 32) }
        let recipe = try trial.recipe.makeRecipe(trial, pictures: store.count)
        recipe.useArbitraryLabels()
        let loader = BatchLoader(
            store, views: trial.views, seed: trial.seed, threads: trial.threads)

        let requests = Array(recipe.requests(epoch: 0).prefix(12))
        let crops = loader.crops(requests, epoch: 0)
        var number = 0
        let training = rate(seconds: 4) {
            guard let batch = crops.next() else { return nil }
            let step = Step(epoch: 0, index: number, count: 1000)
            _ = recipe.step(batch, of: requests[number], at: step)
            number += 1
            return batch.count
        }
        let views = loader.centerViews(batch: trial.batch)
        var batches = 0
        let features = rate(seconds: 2) {
            guard batches < 12, let batch = views.next() else { return nil }
            batches += 1
            _ = recipe.features(of: batch)
            return batch.shape[0]
        }
        return SpeedTrial(settings, training: training, features: features)
    }

    /// Puts the parts of a recipe together.
    private init(_ settings: FitSettings, training: Double, features: Double) {
        let pictures = Double(settings.pictures)
        let width = Double(settings.featureWidth)
        let products = 1e10 * Double(settings.threads)  // a careful rate of GEMM, flop/s
        let order = min(pictures, width)
        let pca = (4 * pictures * width * order + 10 * order * order * order) / products
        func kMeans(_ clusters: Int, _ dimension: Int, _ iterations: Int) -> Double {
            2 * pictures * Double(clusters * dimension * (iterations + 1)) / products
        }
        let embedding = ShippedModel.dimension
        shipping = pictures / features + pca + kMeans(settings.clusters, embedding, 20)
        switch settings.recipe {
        case .v1:
            preparation = 0
            epoch = shipping + settings.reassign * pictures / training
        case .v2:
            preparation = 2 * pictures / features
            let sets = settings.prototypes.reduce(0, +)
            epoch =
                Double(settings.cropsPerPicture) * pictures / training
                + kMeans(sets, ProjectionHead.dimension, 10)
        }
    }

    /// Items a second of `work`, which returns how many it did, for about `seconds`; the first
    /// call, which warms up, is left out where there is a second one.
    private static func rate(seconds: Double, _ work: () -> Int?) -> Double {
        let clock = ContinuousClock()
        var (start, items) = (clock.now, 0)
        guard let first = work() else { return 1 }
        let warmUp = clock.now
        while clock.now - start < .seconds(seconds), let count = work() { items += count }
        if items == 0 { items = first } else { start = warmUp }
        return Double(items) / max(1e-9, (clock.now - start) / .seconds(1))
    }
}
