import LinearAlgebra
public import Model
public import Tensors

/// Turns a float checkpoint that ships (backbone, projection, normalization, centroids) into
/// the int8 checkpoint that the daemon runs.
///
/// *Fold, calibrate, round, correct*: batch norm, ReLU, dropout and, where it can be, the
/// projection are folded; each activation tensor gets the range that harms the layers reading it
/// the least (`RangeRule`); each output channel of the weights gets its own scale, and its
/// weights are rounded so that they make up for each other's errors; what error remains on
/// average is taken back by the biases. Source of the last step: Nagel et al., "Data-Free
/// Quantization Through Weight Equalization and Bias Correction", ICCV 2019 (arXiv:1906.04721),
/// section 4.2.
public struct Quantizer {
    /// What the quantizer is busy with.
    public enum Phase: String, Sendable {
        /// The float network sees the pictures.
        case calibrating
        /// The weights become integers.
        case rounding
        /// The biases take back each layer's mean error.
        case correcting
        /// Float and int8 network are compared.
        case comparing
    }

    /// Told how many units of work of a phase are done, out of how many; a phase begins with 0.
    public typealias Progress = (_ phase: Phase, _ done: Int, _ of: Int) -> Void

    private let checkpoint: Checkpoint
    private let views: Tensor<UInt8>
    private let weightBits: Int
    private let threads: Int
    private let progress: Progress

    /// A quantizer of a float checkpoint with projection and centroids; the arguments are those of
    /// `make`.
    init(
        _ checkpoint: Checkpoint, calibration: Tensor<UInt8>, weightBits: Int, threads: Int,
        progress: @escaping Progress
    ) throws(QuantizationError) {
        guard weightBits == 7 || weightBits == 8 else {
            throw .unsupportedWeightBits(found: weightBits)
        }
        let expected: Shape = [checkpoint.input.height, checkpoint.input.width, 3]
        let shape = calibration.shape
        guard shape.rank == 4, Shape(Array(shape.extents.dropFirst())) == expected else {
            throw .wrongPictureShape(found: shape, expected: expected)
        }
        guard shape[0] > 0 else { throw .noPictures }
        BLAS.setThreads(threads)
        (self.checkpoint, views) = (checkpoint, calibration)
        (self.weightBits, self.threads, self.progress) = (weightBits, threads, progress)
    }
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
    ///   - threads: How many threads share the work; the process's matrix products too.
    ///   - progress: Told now and then how far the work is.
    /// - Returns: The int8 checkpoint, the rule by which the range of each layer's output was
    ///   chosen, and what the float network makes of the pictures.
    /// - Throws: `QuantizationError` where the checkpoint or the pictures do not fit, before any
    ///   work, or where the network's values are not finite.
    public static func make(
        _ checkpoint: Checkpoint, calibration: Tensor<UInt8>, weightBits: Int = 8,
        threads: Int = 1, progress: @escaping Progress = { _, _, _ in }
    ) throws(QuantizationError) -> (
        checkpoint: Checkpoint, ranges: [String: RangeRule], reference: ReferenceEmbeddings
    ) {
        try requireShipping(checkpoint)
        let made = try Quantizer(
            checkpoint.poolingInParts(), calibration: calibration, weightBits: weightBits,
            threads: threads, progress: progress
        ).draft()
        return (made.draft.checkpoint, made.ranges, made.reference)
    }

    /// Quantizes a checkpoint and measures, on the calibration pictures, how far the result is
    /// from it.
    ///
    /// - Parameters:
    ///   - checkpoint: See `make`.
    ///   - calibration: See `make`.
    ///   - weightBits: See `make`.
    ///   - threads: See `make`.
    ///   - progress: See `make`.
    /// - Returns: The int8 checkpoint and the differences.
    /// - Throws: `QuantizationError` as `make` does.
    public static func quantize(
        _ checkpoint: Checkpoint, calibration: Tensor<UInt8>, weightBits: Int = 8,
        threads: Int = 1, progress: @escaping Progress = { _, _, _ in }
    ) throws(QuantizationError) -> (checkpoint: Checkpoint, drift: DriftReport) {
        let made = try make(
            checkpoint, calibration: calibration, weightBits: weightBits, threads: threads,
            progress: progress)
        var meter = try DriftMeter(
            checkpoint, made.checkpoint, ranges: made.ranges, threads: threads)
        let count = calibration.shape[0]
        progress(.comparing, 0, count)
        try meter.add(calibration, known: made.reference) { progress(.comparing, $0, count) }
        return (made.checkpoint, meter.report)
    }

    static func requireShipping(_ checkpoint: Checkpoint) throws(QuantizationError) {
        guard checkpoint.precision == .float32 else {
            throw .wrongPrecision(found: checkpoint.precision)
        }
        for name in ["projection", "normalize", "centroids"]
        where checkpoint.network.layer(name) == nil {
            throw .notClustered(missing: name)
        }
        guard checkpoint.clustering != nil else { throw .notClustered(missing: "centroids") }
    }

    /// The checkpoint in 8 bits, before it is written down.
    ///
    /// - Parameter keepsProjection: Whether the projection is to be used; otherwise it is rounded to
    ///   the nearest and no more, since another takes its place.
    /// - Returns: The draft, the rule by which the range of each layer's output was chosen, and what
    ///   the float network makes of the pictures.
    /// - Throws: `QuantizationError` where values are not finite or a network cannot be run.
    func draft(
        keepsProjection: Bool = true
    ) throws(QuantizationError) -> (
        draft: QuantizedDraft, ranges: [String: RangeRule], reference: ReferenceEmbeddings
    ) {
        let folded = try FoldedNetwork(checkpoint)
        var calibration = try calibrate(folded)
        var draft = QuantizedDraft(
            folded, of: checkpoint, weightBits: weightBits, calibration.formats)
        var weighted = folded.steps.filter { $0.weights != nil }
        if !keepsProjection, let projection = folded.projection {
            draft.round(projection, by: [])
            weighted.removeAll { $0.layer == projection.layer }
        }
        progress(.rounding, 0, weighted.count)
        for (index, step) in weighted.enumerated() {
            draft.round(step, by: calibration.takeRoundings(of: step.layer.name))
            progress(.rounding, index + 1, weighted.count)
        }
        try draft.correctBiases(
            of: weighted, for: views.rows(at: 0..<min(views.shape[0], Calibration.meanPictures)),
            threads: threads, wanted: calibration.inputMeans
        ) { progress(.correcting, $0, weighted.count) }
        return (draft, calibration.rules, calibration.embeddings)
    }

    private func calibrate(_ folded: FoldedNetwork) throws(QuantizationError) -> Calibration {
        progress(.calibrating, 0, views.shape[0])
        return try Calibration(
            folded, FloatReference(checkpoint, threads: threads), views: views,
            input: checkpoint.input
        ) { progress(.calibrating, $0, views.shape[0]) }
    }
}
