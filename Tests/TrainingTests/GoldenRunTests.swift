import Foundation
import Imaging
import Model
import Tensors
import Testing
import Training

/// Whole small runs against PyTorch's, which `tools/golden/trainer/fixture.py` wrote.
///
/// PyTorch's side makes the choices that the seed decides here too: weights, order, crops,
/// colours, first centroids. So clustering, sampling, augmentation, network, loss and optimizer
/// all have to agree for the losses to do so.
struct GoldenRunTests {
    private struct Golden: Decodable {
        struct Settings: Decodable {
            let sobel: Bool
            let size, pictures, clusters, epochs, batch: Int
            let prototypes: [Int]
            let seed: UInt64
            let learningRate, cropScale, jitter: Float

            private enum CodingKeys: String, CodingKey {
                case sobel, size, pictures, clusters, epochs, batch, prototypes, seed, jitter
                case learningRate = "learning_rate"
                case cropScale = "crop_scale"
            }
        }
        struct Epoch: Decodable {
            let loss, objective: Double
        }
        let settings: Settings
        let epochs: [Epoch]
        /// The Euclidean norm of each tensor of the backbone at the end.
        let norms: [String: Float]
    }

    /// Sixteen fields of colours that a hash of the picture's number gives: pictures without
    /// kinds, but as different from each other as clustering whitened features needs.
    private struct Mosaics: PictureSource {
        let count: Int
        let place = "mosaics", digest = "mosaics"

        func path(of index: Int) -> String { "mosaic-\(index)" }
        func label(of index: Int) -> Int? { nil }

        func picture(at index: Int, for input: InputSpecification) throws -> Picture {
            var pixels: [UInt8] = []
            for pixel in 0..<256 {
                let field = pixel / 64 * 4 + pixel % 16 / 4
                for value in 48 * index + 3 * field..<48 * index + 3 * field + 3 {
                    var hash = UInt32(value) &* 2_654_435_761
                    hash = (hash ^ hash >> 15) &* 2_246_822_519
                    pixels.append(UInt8(hash >> 24))
                }
            }
            return Picture(width: 16, height: 16, pixels: pixels)
        }
    }

    private func request(_ recipe: Recipe, _ settings: Golden.Settings, run: String) -> FitRequest {
        var request = FitRequest(images: "synthetic", run: run)
        request.recipe = recipe
        request.network = .small
        request.sobel = settings.sobel
        request.size = settings.size
        request.clusters = settings.clusters
        request.epochs = settings.epochs
        request.batch = settings.batch
        if recipe == .v2 { request.prototypes = settings.prototypes }
        request.seed = settings.seed
        request.threads = 2
        request.learningRate = settings.learningRate
        request.cropScale = settings.cropScale
        request.jitter = settings.jitter
        return request
    }

    // Both sides round to Float in another order, and each step of SGD makes more of it; with
    // these settings PyTorch's run in double precision is within 3e-4 of that in single.
    @Test(arguments: Recipe.allCases)
    func aRunLearnsAsPyTorchsDoes(recipe: Recipe) throws {
        let url = Bundle.module.resourceURL!.appending(path: "Fixtures/runs/\(recipe).json")
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
        let temporary = try TemporaryFolder()
        let request = request(recipe, golden.settings, run: "\(temporary.path)/run")
        let observer = RecordingObserver()
        let session = try FitSession(
            request, source: Mosaics(count: golden.settings.pictures), observer: observer)
        try session.run()

        try #require(observer.epochs.count == golden.epochs.count)
        for (epoch, expected) in zip(observer.epochs, golden.epochs) {
            #expect(
                abs(epoch.loss - expected.loss) < 1e-3 * expected.loss,
                "epoch \(epoch.epoch): a loss of \(epoch.loss), PyTorch's is \(expected.loss)")
            #expect(
                abs(epoch.objective - expected.objective) < 1e-3 * expected.objective,
                "epoch \(epoch.epoch): \(epoch.objective), PyTorch's is \(expected.objective)")
        }
        let checkpoint = try Checkpoint(contentsOf: session.modelPath)
        for (name, expected) in golden.norms {
            let norm = try checkpoint.float(name).elements.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(norm - expected) < 1e-3 * expected, "\(name): \(norm), not \(expected)")
        }
    }
}
