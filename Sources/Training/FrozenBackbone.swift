private import Imaging
import Model
import Tensors

/// A network that is used as it is, up to its feature.
struct FrozenBackbone {
    /// The checkpoint cut off behind its feature, with the tensors that are left.
    let checkpoint: Checkpoint
    private let network: FloatNetwork
    private let threads: Int

    /// How many numbers a feature has.
    var width: Int { network.outputShape.count }

    /// Pictures that are decoded and run together.
    private static let batch = 32

    /// Cuts a model off behind its feature.
    ///
    /// - Parameters:
    ///   - model: A float checkpoint.
    ///   - threads: How many threads share the work.
    /// - Throws: `TrainingError` where the network cannot be run, or cannot get clusters.
    init(_ model: Checkpoint, threads: Int) throws {
        guard model.precision == .float32 else {
            throw TrainingError.invalidNetwork(
                reason: "its weights are \(model.precision.rawValue): give the float32 checkpoint "
                    + "that it was made from")
        }
        var backbone = model
        backbone.clustering = nil
        backbone.network = Network(
            layers: model.network.layers(neededFor: [model.network.feature]),
            feature: model.network.feature)
        for name in ["projection", "normalize", "centroids"]
        where backbone.network.layer(name) != nil {
            throw TrainingError.invalidNetwork(
                reason: "layer '\(name)' of its backbone has the name of a layer that clustering "
                    + "adds")
        }
        let shapes = try FloatNetwork.shapes(of: backbone.network, model.inputShape)
        let names = FloatNetwork.specifications(of: backbone.network, shapes: shapes).map(\.name)
        backbone.tensors = model.tensors.filter { names.contains($0.key) }
        checkpoint = backbone
        network = try FloatNetwork(
            network: backbone.network, inputShape: backbone.inputShape,
            tensors: backbone.tensors.compactMapValues(\.floats), threads: threads)
        self.threads = threads
    }
}

extension WeightTensor {
    fileprivate var floats: Tensor<Float>? {
        if case .float32(let values) = self { values } else { nil }
    }
}

// MARK: - Features

extension FrozenBackbone {
    /// What is known of a source's pictures.
    struct Seen {
        /// `[n, d]`.
        let features: Tensor<Float>
        /// The numbers of the n pictures in the source.
        let pictures: [Int]
        /// The files that cannot be read.
        let skipped: [SkippedFile]
    }

    /// Looks at every picture once.
    ///
    /// - Parameters:
    ///   - source: The pictures.
    ///   - observer: Who hears of the progress, and may stop the work.
    /// - Returns: The features of those that can be read.
    /// - Throws: `TrainingError.noReadablePicture`, or `FitInterruption`.
    func look(at source: any PictureSource, _ observer: any FitObserver) throws -> Seen {
        var (values, pictures, skipped): ([Float], [Int], [SkippedFile]) = ([], [], [])
        let batches = CenterViewBatch.all(
            of: source, for: checkpoint.input, size: Self.batch, threads: threads)
        observer.begin(.features, epoch: nil, total: source.count, done: 0)
        defer { observer.end(.features) }
        while let batch = batches.next() {
            if !batch.pictures.isEmpty {
                let features = features(ofPixels: batch.pixels, count: batch.pictures.count)
                if values.isEmpty {
                    values.reserveCapacity(features.count / batch.pictures.count * source.count)
                }
                values += features
            }
            pictures += batch.pictures
            skipped += batch.skipped
            observer.advance(to: pictures.count + skipped.count)
            if observer.shouldStop { throw FitInterruption() }
        }
        guard !pictures.isEmpty else {
            throw TrainingError.noReadablePicture(images: source.place, tried: source.count)
        }
        return Seen(
            features: Tensor(values, shape: [pictures.count, values.count / pictures.count]),
            pictures: pictures, skipped: skipped)
    }

    /// The features of `count` pictures, a row each.
    func features(ofPixels pixels: [UInt8], count: Int) -> [Float] {
        network.evaluate(checkpoint.input.batch(of: pixels.span, count: count)).output.elements
    }
}
