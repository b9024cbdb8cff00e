package import Inference
import LinearAlgebra
package import Model
package import Tensors

/// A backbone in 8 bits whose projection and clusters are not known yet.
///
/// *Quantize the backbone, look at every picture through it, fit the projection to what it gives,
/// quantize that, cluster what comes out*: so projection and clusters know of the backbone's rounding,
/// and the float network sees a sample only.
package struct QuantizedBackbone {
    /// The backbone's checkpoint with its feature itself in the place of an embedding.
    private let draft: QuantizedDraft
    /// What computes the feature from the last tensor of 8 bits.
    private let ending: FoldedNetwork.Step
    /// Whether that tensor is the feature itself.
    private let isPassedOn: Bool

    /// Quantizes a backbone.
    ///
    /// - Parameters:
    ///   - backbone: Of precision `float32`, cut off behind its feature.
    ///   - calibration: Pictures as the network reads them, `[n, height, width, 3]`.
    ///   - weightBits: 8, or 7 for weights within ±63.
    ///   - threads: How many threads share the work; the process's matrix products too.
    ///   - progress: Told now and then how far the work is.
    /// - Throws: `QuantizationError` as `Quantizer.make` does.
    package init(
        _ backbone: Checkpoint, calibration: Tensor<UInt8>, weightBits: Int = 8, threads: Int = 1,
        progress: @escaping Quantizer.Progress = { _, _, _ in }
    ) throws(QuantizationError) {
        let whole = try backbone.withFeatureAsEmbedding()
        let made = try Quantizer(
            whole, calibration: calibration, weightBits: weightBits, threads: threads,
            progress: progress
        ).draft(keepsProjection: false)
        guard let ending = made.draft.folded.projection else {
            preconditionFailure("a network without the projection that was added to it")
        }
        (draft, self.ending) = (made.draft, ending)
        isPassedOn =
            !backbone.hasLinearFeature && ending.weights?.weight.rowSize == backbone.width
    }

    /// A plan whose `projectionInputs` are what `features` and `projecting` take.
    package func plan(batch: Int, threads: Int) throws(QuantizationError) -> InferencePlan {
        do {
            return try InferencePlan(
                draft.checkpoint, batch: batch, threads: threads, keepsLayers: false,
                through: ending.layer.inputs[0])
        } catch { throw .inference(error) }
    }

    /// The features of pictures.
    ///
    /// - Parameter inputs: What the plan gave for n pictures, `[n, m]`.
    /// - Returns: `[n, d]`.
    package func features(of inputs: Tensor<UInt8>) -> Tensor<Float> {
        let format = draft.format(ending.layer.inputs[0])
        guard !isPassedOn, let weights = ending.weights else {
            return Tensor(inputs.elements.map(format.dequantized), shape: inputs.shape)
        }
        let width = weights.bias.count
        var features: [Float] = []
        features.reserveCapacity(inputs.shape[0] * width)
        for rows in inputs.blocks(of: Self.blockElements) {
            let values = inputs.rows(at: rows)
            let read = Tensor(values.elements.map(format.dequantized), shape: values.shape)
            let products = read.multiplied(by: weights.weight, transposeOther: true).elements
            for index in products.indices {
                features.append(products[index] + weights.bias[index % width])
            }
        }
        return Tensor(features, shape: [inputs.shape[0], width])
    }
}

// MARK: - The projection

/// A backbone and its projection in 8 bits, to which clusters can be added.
package struct QuantizedEmbedding {
    /// What the engine makes of the pictures that the projection was fitted to, `[n, D]`.
    package let embeddings: Tensor<Float>
    private let draft: QuantizedDraft

    fileprivate init(_ draft: QuantizedDraft, _ embeddings: Tensor<Float>) {
        (self.draft, self.embeddings) = (draft, embeddings)
    }

    /// The int8 checkpoint.
    ///
    /// - Parameter float: The float checkpoint that the projection came from, with its clusters.
    /// - Returns: The checkpoint, of what the float one tells of itself.
    /// - Throws: `QuantizationError` where the two do not belong together.
    package func checkpoint(
        clusteredAs float: Checkpoint
    ) throws(QuantizationError) -> Checkpoint {
        try draft.described(by: float.poolingInParts()).checkpoint
    }
}

extension QuantizedBackbone {
    /// How many pictures decide how a weight is rounded, at most: four for each of a filter's.
    private static let roundingRows = 4
    /// How many numbers are converted to Double at a time: 16 MiB.
    private static let blockElements = 1 << 21

    /// Quantizes a projection.
    ///
    /// Its weights are rounded by what the pictures really give it to read, and its biases are such
    /// that the mean over these pictures stays what it was.
    ///
    /// - Parameters:
    ///   - float: The float backbone with its projection and normalization.
    ///   - inputs: What the plan gave for the pictures that the projection was fitted to, `[n, m]`.
    /// - Returns: The quantized projection and these pictures' embeddings.
    /// - Throws: `QuantizationError` where the checkpoint is not of this backbone.
    package func projecting(
        _ float: Checkpoint, inputs: Tensor<UInt8>
    ) throws(QuantizationError) -> QuantizedEmbedding {
        var other = try draft.ending(as: float.poolingInParts())
        guard let step = other.folded.projection, step.layer.inputs == ending.layer.inputs,
            step.weights?.weight.rowSize == inputs.rowSize
        else { throw .differentNetworks }
        let format = other.format(step.layer.inputs[0])
        let wanted = Self.roundingRows * inputs.rowSize
        let every = max(1, (inputs.shape[0] + wanted - 1) / wanted)
        let isMeasured = inputs.rowSize <= InputSamples.longestWindow
        var means = ElementMeans()
        var moments = MomentSums(width: isMeasured ? inputs.rowSize : 0)
        for rows in inputs.blocks(of: Self.blockElements) {
            let values = inputs.rows(at: rows)
            let read = Tensor(values.elements.map(format.dequantized), shape: values.shape)
            means.add(read)
            guard isMeasured else { continue }
            let chosen = rows.filter { $0 % every == 0 }
            moments.add(read.rows(at: chosen.map { $0 - rows.lowerBound }))
        }
        other.round(step, by: isMeasured ? [CompensatedRounding(moments)] : [])
        other.correct(step, wanted: means, found: means)
        return QuantizedEmbedding(other, embeddings(of: inputs, by: step, in: other, format))
    }

    /// The engine's embeddings, bit for bit: sums of products of integers are exact in Double,
    /// whatever their order.
    private func embeddings(
        of inputs: Tensor<UInt8>, by step: FoldedNetwork.Step, in draft: QuantizedDraft,
        _ format: ActivationFormat
    ) -> Tensor<Float> {
        guard let quantized = draft.quantized(step) else {
            preconditionFailure("the projection was not rounded")
        }
        let (m, dimension) = (inputs.rowSize, quantized.bias.count)
        let scales = EmbeddingHead.scales(
            inputScale: format.scale, weightScales: quantized.scale.span)
        let weights = quantized.weight.elements.map { Double($0) }
        var vectors: [Float] = []
        vectors.reserveCapacity(inputs.shape[0] * dimension)
        for rows in inputs.blocks(of: Self.blockElements) {
            let values = inputs.rows(at: rows).elements.map { Double(Int32($0) - format.zeroPoint) }
            var sums = [Double](repeating: 0, count: rows.count * dimension)
            DoubleProducts.addProduct(
                of: values, columns: 0..<m, stride: m, rows: rows.count, with: weights,
                transposed: true, width: dimension, to: &sums)
            for row in 0..<rows.count {
                vectors += EmbeddingHead.vector(scales) {
                    Int32(sums[row * dimension + $0]) + quantized.bias[$0]
                }
            }
        }
        return Tensor(vectors, shape: [inputs.shape[0], dimension])
    }
}

extension Tensor<UInt8> {
    /// The rows in pieces of at most so many elements.
    fileprivate func blocks(of elements: Int) -> [Range<Int>] {
        (0..<shape[0]).batches(of: max(1, elements / max(1, rowSize)))
    }
}

extension Checkpoint {
    /// The widest feature that has a projection of its own width to stand in for the one to come.
    private static let widestIdentity = 4096
    /// How many random directions stand in for it where the feature is wider: enough to tell how
    /// large an error of the feature is.
    private static let directions = 64

    /// Whether the feature is a linear layer's output.
    fileprivate var hasLinearFeature: Bool {
        if case .linear = network.layers.last?.kind { true } else { false }
    }

    /// The number of elements of the feature.
    fileprivate var width: Int? {
        (try? network.outputShapes(input: inputShape))?[network.feature]?.count
    }

    /// The backbone's checkpoint with an ending that makes it whole: the feature itself, at unit
    /// length, and one centroid at nothing.
    ///
    /// A linear feature is its own projection; for any other there is one that stands in for what
    /// is fitted later.
    fileprivate func withFeatureAsEmbedding() throws(QuantizationError) -> Checkpoint {
        guard precision == .float32 else { throw .wrongPrecision(found: precision) }
        let shape: Shape?
        do {
            shape = try network.outputShapes(input: inputShape)[network.feature]
        } catch { throw .network(error) }
        guard let width = shape?.count, network.output == network.feature else {
            preconditionFailure("a backbone that does not end at its feature")
        }
        var result = self
        var dimension = width
        if !hasLinearFeature {
            let weights = Self.standIn(width: width)
            dimension = weights.shape[0]
            result.network.append("projection", .linear(outputs: dimension, hasBias: true))
            result.tensors["projection.weight"] = .float32(weights)
            result.tensors["projection.bias"] = .float32(Tensor(repeating: 0, shape: [dimension]))
        }
        result.network.append("normalize", .l2Normalize)
        result.network.append("centroids", .centroids(count: 1))
        result.tensors["centroids.weight"] = .float32(Tensor(repeating: 0, shape: [1, dimension]))
        result.clustering = ClusteringDescription(
            clusters: 1, dimension: dimension, whiteningExponent: 0)
        // What is fitted behind a linear feature is multiplied into it, and reads what it reads.
        return hasLinearFeature ? result : try result.poolingInParts()
    }

    private static func standIn(width: Int) -> Tensor<Float> {
        guard width <= widestIdentity else {
            var random = SeededGenerator(seed: 0)
            return Tensor(
                random.normals(directions * width, deviation: 1), shape: [directions, width])
        }
        var identity = [Float](repeating: 0, count: width * width)
        for index in 0..<width { identity[index * width + index] = 1 }
        return Tensor(identity, shape: [width, width])
    }
}
