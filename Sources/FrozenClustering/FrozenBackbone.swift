import FloatNetworks
private import Imaging
import Inference
import Model
import Pictures
import Quantization
import Tensors

/// A network that is used as it is, up to its feature.
struct FrozenBackbone {
    /// The checkpoint cut off behind its feature, with the tensors that are left.
    var checkpoint: Checkpoint
    /// How many numbers a feature has.
    let width: Int
    private let threads: Int

    /// Pictures that are decoded and run together.
    private static let batch = 32

    /// Cuts a model off behind its feature.
    ///
    /// - Parameters:
    ///   - model: A float checkpoint.
    ///   - threads: How many threads share the work.
    /// - Throws: `FloatNetworkError` where the network cannot be run, or cannot get clusters.
    init(_ model: Checkpoint, threads: Int) throws {
        guard model.precision == .float32 else {
            throw FloatNetworkError.invalidNetwork(
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
            throw FloatNetworkError.invalidNetwork(
                reason: "layer '\(name)' of its backbone has the name of a layer that clustering "
                    + "adds")
        }
        let shapes = try FloatNetwork.shapes(of: backbone.network, model.inputShape)
        let names = FloatNetwork.specifications(of: backbone.network, shapes: shapes).map(\.name)
        backbone.tensors = model.tensors.filter { names.contains($0.key) }
        checkpoint = backbone
        width = shapes[backbone.network.feature]?.count ?? 0
        self.threads = threads
    }

    /// The network in float, to be run.
    func network() throws -> FloatNetwork {
        try FloatNetwork(
            network: checkpoint.network, inputShape: checkpoint.inputShape,
            tensors: checkpoint.tensors.compactMapValues(\.floats), threads: threads)
    }
}

extension WeightTensor {
    fileprivate var floats: Tensor<Float>? {
        if case .float32(let values) = self { values } else { nil }
    }
}

// MARK: - Looking

extension FrozenBackbone {
    /// What a network makes of a source's pictures.
    struct Seen<Number: BitwiseCopyable & Sendable> {
        /// `[n, …]`.
        let rows: Tensor<Number>
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
    ///   - see: Gives a row for each picture of a batch, all behind one another.
    /// - Returns: The rows of those that can be read.
    /// - Throws: `PictureError.noReadablePicture`, or `Interruption`.
    func look<Number>(
        at source: any PictureSource, _ observer: any ProgressObserver,
        _ see: (_ pixels: [UInt8], _ count: Int) -> [Number]
    ) throws -> Seen<Number> {
        var (values, pictures, skipped): ([Number], [Int], [SkippedFile]) = ([], [], [])
        let batches = CenterViewBatch.all(
            of: source, for: checkpoint.input, size: Self.batch, threads: threads)
        observer.begin(.features, epoch: nil, total: source.count, done: 0)
        defer { observer.end(.features) }
        while let batch = batches.next() {
            if !batch.pictures.isEmpty {
                let rows = see(batch.pixels, batch.pictures.count)
                if values.isEmpty {
                    values.reserveCapacity(rows.count / batch.pictures.count * source.count)
                }
                values += rows
            }
            pictures += batch.pictures
            skipped += batch.skipped
            observer.advance(to: pictures.count + skipped.count)
            if observer.shouldStop { throw Interruption() }
        }
        guard !pictures.isEmpty else {
            throw PictureError.noReadablePicture(images: source.place, tried: source.count)
        }
        return Seen(
            rows: Tensor(values, shape: [pictures.count, values.count / pictures.count]),
            pictures: pictures, skipped: skipped)
    }

    /// The float network's features, `[n, d]`.
    func features(
        of source: any PictureSource, _ observer: any ProgressObserver
    ) throws -> Seen<Float> {
        let network = try network()
        return try look(at: source, observer) { features(ofPixels: $0, count: $1, by: network) }
    }

    /// What the projection of the quantized backbone reads, `[n, m]`.
    func projectionInputs(
        of source: any PictureSource, by backbone: QuantizedBackbone,
        _ observer: any ProgressObserver
    ) throws -> Seen<UInt8> {
        let plan = try backbone.plan(batch: Self.batch, threads: threads)
        return try look(at: source, observer) { plan.projectionInputs($0.span, count: $1) }
    }

    /// The features of `count` pictures, a row each.
    func features(ofPixels pixels: [UInt8], count: Int, by network: FloatNetwork) -> [Float] {
        network.evaluate(checkpoint.input.batch(of: pixels.span, count: count)).output.elements
    }
}
