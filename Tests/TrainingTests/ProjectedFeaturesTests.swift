import Clustering
import Imaging
import Model
import Pictures
import Tensors
import Testing
import Training
import TrainingTestSupport
import Vocabulary

/// The pass that projects features as they come, when not all of them may be kept.
struct ProjectedFeaturesTests {
    /// Gives features that are known: the first pixels of each picture.
    private final class PixelFeatures: EpochRecipe {
        let clusterCount = 2
        var backbone: [String: Tensor<Float>] { [:] }
        func load(backbone: [String: Tensor<Float>]) {}
        func features(of batch: Tensor<Float>) -> Tensor<Float> { Self.features(of: batch) }
        func prepare(_ work: FitWork) {}
        func cluster(epoch: Int, _ work: FitWork) -> EpochClustering {
            EpochClustering(assignments: [], objective: 0)
        }
        func requests(epoch: Int) -> [[CropRequest]] { [] }
        func step(_ batch: CropBatch, of requests: [CropRequest], at step: Step) -> Float {
            0
        }
        func learningRate(at step: Step) -> Float { 0 }
        func save(to state: inout TrainingState) {}
        func restore(from state: TrainingState) {}
        func useArbitraryLabels() {}

        static func features(of batch: Tensor<Float>) -> Tensor<Float> {
            let rows = (0..<batch.shape[0]).flatMap { Array(batch[row: $0].prefix(300)) }
            return Tensor(rows, shape: [batch.shape[0], 300])
        }
    }

    private func settings(_ limit: Int?) -> FitSettings {
        var settings = FitSettings(
            recipe: .v1, network: .small, sobel: false, size: 16, clusters: 4, epochs: 1,
            pictures: 60, picturesDigest: "x")
        settings.projectionPictures = limit
        return settings
    }

    private func work(_ store: PictureStore) -> FitWork {
        FitWork(
            loader: BatchLoader(store, views: CropViews(large: .v2()), seed: 1, threads: 2),
            batch: 7,
            epoch: 0, observer: RecordingObserver(), times: PhaseTimes())
    }

    private func store() throws -> PictureStore {
        try PictureStore(
            SyntheticPictures(count: 60), input: .square(16), memory: 1 << 20, threads: 1)
    }

    @Test func everyPictureIsProjectedInItsPlace() throws {
        let store = try store()
        let loader = BatchLoader(store, views: CropViews(large: .v2()), seed: 1, threads: 1)
        let features = PixelFeatures.features(
            of: try #require(loader.centerViews(batch: 60).next()))
        let projected = try work(store).embeddings(
            .features, from: PixelFeatures(), settings(25), exponent: -0.5)
        // Some of the pictures decided the projection, and all went through it.
        #expect(projected.pca.components <= 24)
        #expect(projected.rows.shape == [60, projected.pca.components])
        // Products of other row counts are summed in another order.
        let expected = projected.project(features)
        for (a, b) in zip(projected.rows.elements, expected.elements) {
            #expect(abs(a - b) < 1e-4)
        }
    }

    @Test func aLimitBeyondThePicturesChangesNothing() throws {
        let store = try store()
        let all = try work(store).embeddings(
            .features, from: PixelFeatures(), settings(nil), exponent: 0)
        let limited = try work(store).embeddings(
            .features, from: PixelFeatures(), settings(60), exponent: 0)
        #expect(all.rows == limited.rows)
        #expect(all.pca == limited.pca)
    }
}
