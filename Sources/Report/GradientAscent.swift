import Evaluation
import FloatNetworks
private import Foundation
public import Imaging
public import Model
import Tensors

/// Pictures that excite single filters, found by climbing the gradient from noise.
///
/// For each filter the cross-entropy between it and all filters of its layer, on the means of
/// their maps behind the ReLU, goes down along the gradient of unit length, with a little
/// weight decay and a slight blur now and then. A filter that answers nothing at the start is
/// looked at before the ReLU.
///
/// Other than in the reference code, pixels are normalized as the network's input is, and the
/// length of steps is in proportion to the picture's side.
///
/// Source: the reference code's `visu` (METHOD 3.4); Erhan et al., "Visualizing Higher-Layer
/// Features of a Deep Network", 2009.
public struct GradientAscent {
    /// The steps.
    public var iterations = 500
    /// The length of a step, in levels of 255, for a side of 224 pixels.
    ///
    /// With the reference code's 3 and its blur of 0.3, tens of thousands of steps are needed for
    /// more than noise; its author advises 30 for deep layers.
    public var step: Float = 100
    /// The weight decay.
    public var weightDecay: Float = 1e-5
    /// The steps between two blurs.
    public var blurEvery = 5
    /// The standard deviation of a blur, in pixels; 0 blurs nothing.
    public var blur = 0.6
    /// The seed of the noise.
    public var seed: UInt64 = 31
    /// The layers that can be looked at: convolutions behind which a ReLU stands.
    public let layers: [String]

    private let weights: NetworkWeights
    private let probed: [ProbedLayers.Probed]
    private let threads: Int

    /// Prepares the network of a checkpoint.
    ///
    /// - Parameters:
    ///   - checkpoint: A float checkpoint.
    ///   - name: Its name, for messages.
    ///   - threads: How many threads share the work.
    /// - Throws: `ReportError.noMaps` where there is nothing to look at, and others where the
    ///   network cannot be run.
    public init(_ checkpoint: Checkpoint, name: String, threads: Int) throws {
        weights = try NetworkWeights(checkpoint)
        probed = try ProbedLayers(
            of: checkpoint.network, inputShape: checkpoint.inputShape, mostLayers: .max
        ).layers
        guard !probed.isEmpty else { throw ReportError.noMaps(model: name) }
        layers = probed.map(\.title)
        self.threads = threads
    }

    /// The number of filters of a layer.
    ///
    /// - Throws: `ReportError.noSuchLayer`.
    public func filters(of layer: String) throws -> Int {
        let name = try self.probed(layer).layer
        return try weights.network.outputShapes(input: weights.inputShape)[name]?[2] ?? 0
    }

    private func probed(_ layer: String) throws -> ProbedLayers.Probed {
        guard let found = probed.first(where: { $0.title == layer || $0.layer == layer }) else {
            throw ReportError.noSuchLayer(name: layer, known: layers)
        }
        return found
    }

    /// How many pictures climb at once.
    private static let batch = 8

    /// Climbs for some filters of a layer.
    ///
    /// - Parameters:
    ///   - layer: One of `layers`.
    ///   - filters: The numbers of the filters, from 0.
    ///   - progress: Told how many steps of all are done; may throw to stop.
    /// - Returns: A picture for each filter.
    /// - Throws: `ReportError` for a layer or filter that is not there, or a setting out of range.
    public func run(
        layer: String, filters: [Int], progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws -> [Picture] {
        let probed = try check(layer, filters)
        let active = try climber(through: probed.layer)
        let raw = try climber(through: Self.before(probed.layer, in: weights.network))
        let total = filters.count * iterations
        var (pictures, done): ([Int: Picture], Int) = ([:], 0)
        for start in stride(from: 0, to: filters.count, by: Self.batch) {
            let chosen = filters[start..<min(filters.count, start + Self.batch)]
            let noise = noise(chosen)
            let answers = active.answers(to: noise)
            let isSilent = zip(0..., chosen).map { Array(answers[row: $0])[$1] <= 0 }
            for (network, silent) in [(active, false), (raw, true)] {
                let rows = isSilent.indices.filter { isSilent[$0] == silent }
                guard !rows.isEmpty else { continue }
                let found = try climb(
                    from: noise.rows(at: rows), by: network,
                    filters: rows.map { chosen[start + $0] }
                ) { steps in try progress(done + steps * rows.count, total) }
                done += rows.count * iterations
                for (row, picture) in zip(rows, found) { pictures[start + row] = picture }
            }
        }
        return filters.indices.compactMap { pictures[$0] }
    }

    private func check(_ layer: String, _ filters: [Int]) throws -> ProbedLayers.Probed {
        let probed = try self.probed(layer)
        let count = try self.filters(of: layer)
        if let wrong = filters.first(where: { !(0..<count).contains($0) }) {
            throw ReportError.noSuchFilter(layer: layer, filter: wrong, filters: count)
        }
        func wrong(_ name: String, _ value: String, _ remedy: String) -> ReportError {
            .wrongSetting(name: name, value: value, remedy: remedy)
        }
        guard iterations > 0 else {
            throw wrong("the number of steps", "\(iterations)", "give 1 or more")
        }
        guard step > 0, step.isFinite else {
            throw wrong("the length of a step", "\(step)", "give a number above 0")
        }
        guard weightDecay >= 0, weightDecay.isFinite else {
            throw wrong("the weight decay", "\(weightDecay)", "give 0 or more")
        }
        guard blurEvery > 0 else {
            throw wrong("the number of steps between blurs", "\(blurEvery)", "give 1 or more")
        }
        guard (0...5).contains(blur) else {
            throw ReportError.wrongSetting(
                name: "the blur", value: "\(blur)", remedy: "give 0 to 5 pixels")
        }
        return probed
    }

    /// The layer that the activation reads.
    private static func before(_ layer: String, in network: Network) -> String {
        network.layer(layer)?.inputs.first ?? layer
    }

    private func climber(through layer: String) throws -> Climber {
        // Cut first: what follows the layer, such as the norms of a kept head, need not be folded.
        let folded = try NetworkWeights(
            network: weights.network.prefix(through: layer), input: weights.input,
            tensors: weights.tensors
        ).withoutNorms()
        var graph = folded.network
        graph.layers.append(Layer("mean over the map", .globalAveragePool, inputs: [graph.feature]))
        return Climber(
            network: try FloatNetwork(
                network: graph, inputShape: folded.inputShape, tensors: folded.tensors,
                threads: threads, inputGradient: true))
    }
}

/// A network that ends in the mean answer of each filter.
private struct Climber {
    let network: FloatNetwork

    /// `[n, filters]`.
    func answers(to batch: Tensor<Float>) -> Tensor<Float> { network.evaluate(batch).output }

    /// The gradient of each picture's cross-entropy between its filter and all filters.
    func gradient(at batch: Tensor<Float>, filters: [Int32]) -> Tensor<Float> {
        var random = SeededGenerator(seed: 0)  // nothing is dropped
        let answers = network.forward(batch, using: &random)
        network.backward(
            SoftmaxCrossEntropy.lossAndGradient(logits: answers, labels: filters).gradient)
        let gradient = network.inputGradient(pictures: batch.shape[0])
        network.step(SGD(learningRate: 0))  // forgets the weights' gradients
        return gradient
    }
}

extension GradientAscent {
    /// Grey noise, N(128, 20²) in levels of 255, normalized; one seed for each filter.
    private func noise(_ filters: ArraySlice<Int>) -> Tensor<Float> {
        let (height, width) = (weights.input.height, weights.input.width)
        var values: [Float] = []
        for filter in filters {
            var random = SeededGenerator(seed: seed, stream: UInt64(filter))
            for index in 0..<height * width * 3 {
                values.append(normalized(128 + 20 * random.normal(), channel: index % 3))
            }
        }
        return Tensor(values, shape: [filters.count, height, width, 3])
    }

    private func normalized(_ level: Float, channel: Int) -> Float {
        (level / 255 - weights.input.mean[channel]) / weights.input.standardDeviation[channel]
    }

    private func climb(
        from start: Tensor<Float>, by climber: Climber, filters: [Int],
        progress: (Int) throws -> Void
    ) throws -> [Picture] {
        let (count, size) = (start.shape[0], start.rowSize)
        let labels = filters.map { Int32($0) }
        let deviation = weights.input.standardDeviation.reduce(0, +) / 3
        let side = Float(max(weights.input.width, weights.input.height))
        let length = step / 255 / deviation * side / 224
        var batch = start
        for iteration in 1...iterations {
            let gradient = climber.gradient(at: batch, filters: labels).elements
            var values = batch.elements
            for picture in 0..<count {
                // The loss is a mean over the batch: each picture has its own back.
                let range = picture * size..<(picture + 1) * size
                let gradient = range.map {
                    gradient[$0] * Float(count) + 2 * weightDecay * values[$0]
                }
                let norm = Float(gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
                guard norm > 0, norm.isFinite else { continue }
                for (index, partial) in zip(range, gradient) {
                    values[index] -= length * partial / norm
                }
            }
            if iteration.isMultiple(of: blurEvery) { values = blurred(values) }
            batch = Tensor(values, shape: start.shape)
            try progress(iteration)
        }
        return (0..<count).map { shown(Array(batch[row: $0])) }
    }

    /// A Gaussian over rows and columns, cut off at four deviations, with an edge that reflects:
    /// scipy's `gaussian_filter`.
    private func blurred(_ values: [Float]) -> [Float] {
        let radius = Int(4 * blur + 0.5)
        guard radius > 0 else { return values }
        let raw = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (blur * blur)) }
        let kernel = raw.map { Float($0 / raw.reduce(0, +)) }
        func pass(_ source: [Float], count: Int, stride: Int) -> [Float] {
            var result = source
            for index in source.indices {
                let place = index / stride % count
                var sum: Float = 0
                for (offset, weight) in kernel.enumerated() {
                    // Behind the edge the picture comes back: … b a | a b c ….
                    let other = (place + offset - radius) % (2 * count)
                    let unrolled = other < 0 ? other + 2 * count : other
                    let reflected = unrolled < count ? unrolled : 2 * count - 1 - unrolled
                    sum += weight * source[index + (reflected - place) * stride]
                }
                result[index] = sum
            }
            return result
        }
        let (height, width) = (weights.input.height, weights.input.width)
        return pass(
            pass(values, count: width, stride: 3), count: height, stride: 3 * width)
    }

    /// A picture to look at: centred, a standard deviation of 0.1, about middle grey.
    private func shown(_ values: [Float]) -> Picture {
        let levels = values.enumerated().map { index, value in
            value * weights.input.standardDeviation[index % 3] + weights.input.mean[index % 3]
        }
        let mean = levels.reduce(0.0) { $0 + Double($1) } / Double(levels.count)
        let variance =
            levels.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
            / Double(levels.count)
        let scale = 0.1 / (variance.squareRoot() + 1e-5)
        let pixels = levels.map { level in
            UInt8(min(max((Double(level) - mean) * scale + 0.5, 0), 1) * 255)
        }
        return Picture(
            width: weights.input.width, height: weights.input.height, pixels: pixels)
    }
}

/// A PNG of pictures in a grid.
public enum PictureSheet {
    /// Pictures in rows.
    ///
    /// - Parameters:
    ///   - pictures: One or more of one size.
    ///   - columns: The pictures in a row.
    /// - Returns: The bytes of the file.
    /// - Throws: `ImagingError` where it becomes too large.
    public static func png(_ pictures: [Picture], columns: Int) throws(ImagingError) -> [UInt8] {
        let factor = max(1, 96 / pictures[0].width)
        return try FilterSheet.grid(
            pictures.map { $0.enlarged(by: factor) }, columns: columns, gap: 2
        ).png()
    }
}
