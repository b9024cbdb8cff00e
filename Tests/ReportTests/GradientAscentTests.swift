import Evaluation
import FloatNetworks
import Imaging
import Model
import Report
import Tensors
import Testing

struct GradientAscentTests {
    private static func checkpoint(_ network: Network, size: Int = 16) throws -> Checkpoint {
        let weights = try FoldedNetworkTests.weights(network, size: size, seed: 8)
        return Checkpoint(
            network: network, input: weights.input, precision: .float32, clustering: nil,
            provenance: Provenance(
                recipe: "deepcluster-v2", seed: 8, epochs: 0, pictures: 0, picturesDigest: ""),
            license: "CC0-1.0", tensors: weights.tensors.mapValues { .float32($0) })
    }

    @Test func climbingMakesTheFilterAnswer() throws {
        let checkpoint = try Self.checkpoint(.smallConvNet(sobel: false))
        var ascent = try GradientAscent(checkpoint, name: "small", threads: 1)
        ascent.step = 100
        #expect(ascent.layers == ["conv1", "conv2", "conv3", "conv4"])
        #expect(try ascent.filters(of: "conv2") == 64)
        func share(_ iterations: Int, _ filters: [Int]) throws -> [Float] {
            ascent.iterations = iterations
            let pictures = try ascent.run(layer: "conv2", filters: filters) { _, _ in }
            #expect(pictures.count == filters.count)
            return try zip(pictures, filters).map { picture, filter in
                try Self.answer(of: filter, to: picture, checkpoint)
            }
        }
        let filters = [5, 0, 63]
        let (first, last) = (try share(1, filters), try share(200, filters))
        // A filter may be silent on the picture as it is shown, whose contrast is low.
        for (first, last) in zip(first, last) { #expect(last >= first) }
        #expect(last.reduce(0, +) > 1.5 * first.reduce(0, +))
    }

    /// The filter's mean answer as a share of all filters' of conv2.
    private static func answer(
        of filter: Int, to picture: Picture, _ checkpoint: Checkpoint
    ) throws -> Float {
        let weights = try NetworkWeights(checkpoint)
        let network = try weights.runnable(threads: 1)
        let map = network.evaluate(
            weights.input.batch(of: picture.pixels.span, count: 1), capturing: ["relu2"]
        ).captured["relu2"]!
        let channels = map.shape[3]
        var sums = [Float](repeating: 0, count: channels)
        for (index, value) in map.elements.enumerated() { sums[index % channels] += value }
        return sums[filter] / sums.reduce(0, +)
    }

    @Test func theSeedDecidesThePicture() throws {
        let checkpoint = try Self.checkpoint(.smallConvNet(sobel: true))
        var ascent = try GradientAscent(checkpoint, name: "small", threads: 1)
        ascent.iterations = 3
        let first = try ascent.run(layer: "conv1", filters: [1, 2]) { _, _ in }
        // A filter's picture does not depend on which others are drawn beside it.
        let alone = try ascent.run(layer: "conv1", filters: [2]) { _, _ in }
        #expect(first[1] == alone[0])
        ascent.seed = 32
        #expect(try ascent.run(layer: "conv1", filters: [2]) { _, _ in } != alone)
    }

    @Test func whatFollowsTheLayerDoesNotMatter() throws {
        var network = Network.smallConvNet(sobel: false)
        network.append("head", .linear(outputs: 8, hasBias: true))
        network.append("head norm", .batchNorm(epsilon: 1e-5))
        network.feature = "head norm"
        var ascent = try GradientAscent(
            Self.checkpoint(network), name: "with a head", threads: 1)
        ascent.iterations = 2
        #expect(try ascent.run(layer: "conv2", filters: [1]) { _, _ in }.count == 1)
    }

    @Test func whatIsNotThereIsRefused() throws {
        let checkpoint = try Self.checkpoint(.smallConvNet(sobel: false))
        var ascent = try GradientAscent(checkpoint, name: "small", threads: 1)
        #expect(
            throws: ReportError.noSuchLayer(
                name: "fc6", known: ["conv1", "conv2", "conv3", "conv4"])
        ) { try ascent.filters(of: "fc6") }
        #expect(throws: ReportError.noSuchFilter(layer: "conv1", filter: 32, filters: 32)) {
            try ascent.run(layer: "conv1", filters: [32]) { _, _ in }
        }
        ascent.blur = 6
        #expect(
            throws: ReportError.wrongSetting(
                name: "the blur", value: "6.0", remedy: "give 0 to 5 pixels")
        ) { try ascent.run(layer: "conv1", filters: [0]) { _, _ in } }
        ascent.blur = 0
        ascent.iterations = 0
        #expect(throws: ReportError.self) {
            try ascent.run(layer: "conv1", filters: [0]) { _, _ in }
        }
        var flat = Network(layers: [], feature: "fc")
        flat.append("fc", .linear(outputs: 4, hasBias: true))
        #expect(throws: ReportError.noMaps(model: "flat")) {
            try GradientAscent(Self.checkpoint(flat), name: "flat", threads: 1)
        }
    }

    @Test func filtersBecomeTiles() {
        var random = SeededGenerator(seed: 2)
        for channels in [1, 2, 3, 5] {
            let weights = Tensor(
                random.normals(20 * 9 * channels, deviation: 0.1), shape: [20, 3, 3, channels])
            let sheet = FilterSheet.firstLayer(weights)
            #expect(sheet.width > 100 && sheet.height > 20, "\(channels) channels")
        }
        // Dead filters are grey, not a division by zero.
        let dead = FilterSheet.firstLayer(Tensor(repeating: 0, shape: [1, 1, 1, 3]))
        #expect(dead.pixels.contains(127))
        // So are weights of a run that has diverged.
        let lost = FilterSheet.firstLayer(Tensor([.nan, .infinity, 1], shape: [1, 1, 1, 3]))
        #expect(lost.pixels.contains(127) && lost.pixels.contains(255))
    }
}
