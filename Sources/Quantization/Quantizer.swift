public import Model
public import Tensors

/// Turns a float checkpoint that ships (backbone, projection, normalization, centroids) into
/// the int8 checkpoint that the daemon runs.
///
/// Batch norm, ReLU, dropout and, where it can be, the projection are folded; each activation
/// tensor gets the scale with the least squared error over the calibration pictures; each output
/// channel of the weights gets its own; what error remains on average is taken back by the
/// biases. Source of the last step: Nagel et al., "Data-Free Quantization Through Weight
/// Equalization and Bias Correction", ICCV 2019 (arXiv:1906.04721), section 4.2.
public struct Quantizer {
    /// What the quantizer is busy with.
    public enum Phase: String, Sendable {
        /// The float network sees the pictures.
        case calibrating
        /// The biases take back each layer's mean error.
        case correcting
        /// Float and int8 network are compared.
        case comparing
    }

    /// Told how many units of work of a phase are done, out of how many; a phase begins with 0.
    public typealias Progress = (_ phase: Phase, _ done: Int, _ of: Int) -> Void

    /// How many pictures the bias correction looks at; a mean needs few.
    private static let correctionPictures = 64

    private let checkpoint: Checkpoint
    private let views: Tensor<UInt8>
    private let threads: Int
    private let progress: Progress
}

extension Quantizer {
    /// Quantizes a checkpoint.
    ///
    /// Equal input and thread counts give equal bytes on one kind of CPU.
    ///
    /// - Parameters:
    ///   - checkpoint: Of precision `float32`, with projection and centroids.
    ///   - calibration: Pictures as the network reads them, `[n, height, width, 3]`; a few
    ///     hundred from where the network will be used.
    ///   - weightBits: 8, or 7 for weights within ±63, which no AVX2 instruction saturates on.
    ///   - threads: How many threads share the work.
    ///   - progress: Told now and then how far the work is.
    /// - Returns: The int8 checkpoint, and how far it is from the float one on these pictures.
    /// - Throws: `QuantizationError` where the checkpoint or the pictures do not fit, before any
    ///   work, or where the network's values are not finite.
    public static func quantize(
        _ checkpoint: Checkpoint, calibration: Tensor<UInt8>, weightBits: Int = 8,
        threads: Int = 1, progress: @escaping Progress = { _, _, _ in }
    ) throws(QuantizationError) -> (checkpoint: Checkpoint, drift: DriftReport) {
        guard weightBits == 7 || weightBits == 8 else {
            throw .unsupportedWeightBits(found: weightBits)
        }
        try requireShipping(checkpoint)
        let expected: Shape = [checkpoint.input.height, checkpoint.input.width, 3]
        let shape = calibration.shape
        guard shape.rank == 4, Shape(Array(shape.extents.dropFirst())) == expected else {
            throw .wrongPictureShape(found: shape, expected: expected)
        }
        guard shape[0] > 0 else { throw .noPictures }
        let quantizer = Quantizer(
            checkpoint: checkpoint, views: calibration, threads: threads, progress: progress)
        return try quantizer.run(weightBits: weightBits)
    }

    private static func requireShipping(_ checkpoint: Checkpoint) throws(QuantizationError) {
        guard checkpoint.precision == .float32 else {
            throw .wrongPrecision(found: checkpoint.precision)
        }
        for name in ["projection", "normalize", "centroids"]
        where checkpoint.network.layer(name) == nil {
            throw .notClustered(missing: name)
        }
        guard checkpoint.clustering != nil else { throw .notClustered(missing: "centroids") }
    }

    private func run(
        weightBits: Int
    ) throws(QuantizationError) -> (checkpoint: Checkpoint, drift: DriftReport) {
        let folded = try FoldedNetwork(checkpoint)
        let reference = try FloatReference(checkpoint, threads: threads)
        let formats = try calibrate(folded, reference)
        var draft = QuantizedDraft(
            folded, of: checkpoint, formats: formats, weightBits: weightBits)
        try correctBiases(&draft, reference)
        let result = draft.checkpoint
        let drift = try compare(folded, reference, result, formats: formats)
        return (result, drift)
    }
}

// MARK: - Calibration

extension Quantizer {
    /// The 8-bit format of the input and of every layer but the projection and what follows.
    private func calibrate(
        _ folded: FoldedNetwork, _ reference: FloatReference
    ) throws(QuantizationError) -> [String: ActivationFormat] {
        let network = folded.network
        // A maximum is one of its inputs, so it shares their format.
        let measured = folded.steps.filter {
            network.isQuantized($0.layer) && !$0.layer.kind.isMaximum
        }
        var histograms = measured.map { _ in ActivationHistogram() }
        let sources = Set(measured.map(\.source))
        progress(.calibrating, 0, views.shape[0])
        for rows in (0..<views.shape[0]).batches(of: reference.batch) {
            let outputs = reference.outputs(of: sources, for: views, rows: rows)
            for (index, step) in measured.enumerated() {
                guard let values = outputs[step.source] else {
                    preconditionFailure("the float network did not capture '\(step.source)'")
                }
                guard histograms[index].add(values.elements.span) else {
                    throw .notFinite(layer: step.source)
                }
            }
            progress(.calibrating, rows.upperBound, views.shape[0])
        }
        var formats = [Network.input: ActivationFormat(input: checkpoint.input)]
        for (histogram, step) in zip(histograms, measured) {
            formats[step.layer.name] = ActivationFormat(
                covering: histogram.bestRange(), bounds: step.bounds)
        }
        for step in folded.steps where step.layer.kind.isMaximum {
            formats[step.layer.name] = formats[step.layer.inputs[0]]
        }
        return formats
    }
}

extension LayerKind {
    fileprivate var isMaximum: Bool {
        if case .maxPool = self { true } else { false }
    }
}

// MARK: - Bias correction

extension Quantizer {
    /// Moves each bias so that the layer's mean output before rounding equals the float one,
    /// layer by layer, each seeing the corrected ones before it.
    ///
    /// On Fashion-MNIST this takes 1 − cosine of the embeddings from 0.0007 to 0.0002.
    private func correctBiases(
        _ draft: inout QuantizedDraft, _ reference: FloatReference
    ) throws(QuantizationError) {
        let count = min(views.shape[0], Self.correctionPictures)
        let sample = views.rows(at: 0..<count)
        let weighted = draft.folded.steps.filter { $0.weights != nil }
        let inputs = Set(weighted.map { draft.folded.source(of: $0.layer.inputs[0]) })
        var expected: [String: ElementMeans] = [:]
        progress(.correcting, 0, weighted.count)
        for rows in (0..<count).batches(of: reference.batch) {
            for (name, values) in reference.outputs(of: inputs, for: sample, rows: rows) {
                expected[name, default: ElementMeans()].add(values)
            }
        }
        for (index, step) in weighted.enumerated() {
            let input = step.layer.inputs[0]
            guard let wanted = expected[draft.folded.source(of: input)] else {
                preconditionFailure("the float network did not capture '\(input)'")
            }
            let found = try draft.inputMeans(of: input, for: sample, threads: threads)
            draft.correct(step, wanted: wanted, found: found)
            progress(.correcting, index + 1, weighted.count)
        }
    }
}

// MARK: - Comparison

extension Quantizer {
    private func compare(
        _ folded: FoldedNetwork, _ reference: FloatReference, _ quantized: Checkpoint,
        formats: [String: ActivationFormat]
    ) throws(QuantizationError) -> DriftReport {
        var meter = try DriftMeter(folded, quantized, formats: formats, threads: threads)
        progress(.comparing, 0, views.shape[0])
        for rows in (0..<views.shape[0]).batches(of: reference.batch) {
            let outputs = reference.outputs(of: meter.sources, for: views, rows: rows)
            meter.compare(outputs, views: views, rows: rows)
            progress(.comparing, rows.upperBound, views.shape[0])
        }
        return meter.report
    }
}
