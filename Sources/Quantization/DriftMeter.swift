import Inference
import LinearAlgebra
public import Model
public import Tensors

/// Runs an int8 network beside the float one it was made from and sums up the differences.
///
/// Both are fed with the same pixels, a few pictures at a time; only embeddings are kept. The layers'
/// outputs, millions of numbers a picture, are compared on the first `layerPictures` alone.
public struct DriftMeter {
    private let ranges: [String: RangeRule]
    private let reference: FloatReference
    private let plan: InferencePlan
    private let batch: Int
    /// The layers of the float network whose outputs are compared.
    private let sources: Set<String>
    private let layers: [(name: String, source: String, format: ActivationFormat)]
    private var errors: [ErrorSums]
    private var embeddings = EmbeddingDrift()
    /// How many pictures the layers' outputs are compared on.
    private var layerPictures = 0

    /// The most pictures that the layers' outputs are compared on.
    public static let layerPictures = 32

    /// Prepares both networks.
    ///
    /// - Parameters:
    ///   - float: The float checkpoint.
    ///   - quantized: The int8 checkpoint made from it.
    ///   - ranges: By which rule the range of each layer's output was chosen, for the report.
    ///   - seesLayers: Whether the outputs of the layers are compared too, which takes longer.
    ///   - threads: How many threads share the work.
    /// - Throws: `QuantizationError` where the two do not belong together or cannot be run.
    public init(
        _ float: Checkpoint, _ quantized: Checkpoint, ranges: [String: RangeRule] = [:],
        seesLayers: Bool = true, threads: Int = 1
    ) throws(QuantizationError) {
        self.ranges = ranges
        try Quantizer.requireShipping(float)
        let float = try float.poolingInParts()
        let folded = try FoldedNetwork(float)
        guard folded.network == quantized.network else { throw .differentNetworks }
        reference = try FloatReference(float, threads: threads)
        batch = max(1, threads)
        var layers: [(name: String, source: String, format: ActivationFormat)] = []
        for step in folded.steps where seesLayers && folded.network.isQuantized(step.layer) {
            let format = try ActivationFormat(of: step.layer.name, in: quantized)
            layers.append((step.layer.name, step.source, format))
        }
        do {
            plan = try InferencePlan(
                quantized, batch: batch, threads: threads, keepsLayers: seesLayers)
        } catch { throw .inference(error) }
        self.layers = layers
        errors = layers.map { _ in ErrorSums() }
        sources = Set(layers.map(\.source))
    }

    /// Compares the networks on some pictures.
    ///
    /// - Parameters:
    ///   - views: Pictures as the networks read them, `[n, height, width, 3]`.
    ///   - known: What the float network makes of these pictures, where it has seen them already.
    ///   - progress: Told how many of them are done.
    /// - Throws: `QuantizationError.wrongPictureShape`.
    public mutating func add(
        _ views: Tensor<UInt8>, known: ReferenceEmbeddings? = nil,
        progress: (_ done: Int) -> Void = { _ in }
    ) throws(QuantizationError) {
        guard Array(views.shape.extents.dropFirst()) == reference.pictureShape.extents else {
            throw .wrongPictureShape(found: views.shape, expected: reference.pictureShape)
        }
        precondition(known.map { $0.count == views.shape[0] } ?? true, "others' embeddings")
        for rows in (0..<views.shape[0]).batches(of: reference.batch) {
            let compared = layers.isEmpty ? 0 : min(rows.count, Self.layerPictures - layerPictures)
            var float: [String: Tensor<Float>] = [:]
            if compared > 0 || known == nil {
                float = reference.outputs(
                    of: (compared > 0 ? sources : []).union(ReferenceEmbeddings.sources),
                    for: views, rows: rows)
            }
            compareLayers(float, views, rows.lowerBound..<rows.lowerBound + compared)
            compareEmbeddings(
                known?.rows(rows) ?? ReferenceEmbeddings(float).rows(0..<rows.count), views, rows)
            progress(rows.upperBound)
        }
    }

    /// Compares the outputs of the layers; `float` begins with those of the first of `rows`.
    private mutating func compareLayers(
        _ float: [String: Tensor<Float>], _ views: Tensor<UInt8>, _ rows: Range<Int>
    ) {
        for part in rows.batches(of: batch) {
            let own = part.lowerBound - rows.lowerBound..<part.upperBound - rows.lowerBound
            let pixels = views.rows(at: part).elements
            let outputs = plan.outputs(pixels.span, count: part.count)
            let layers = layers
            unsafe errors.withUnsafeMutableBufferPointer { errors in
                nonisolated(unsafe) let errors = unsafe errors
                Blocks.forEach(of: layers.count, size: 1) { block in
                    let layer = layers[block.lowerBound]
                    guard let exact = float[layer.source], let rounded = outputs[layer.name] else {
                        preconditionFailure("one of the networks has no output '\(layer.name)'")
                    }
                    unsafe errors[block.lowerBound].add(exact.rows(at: own), rounded, layer.format)
                }
            }
        }
        layerPictures += rows.count
    }

    private mutating func compareEmbeddings(
        _ float: (vectors: Tensor<Float>, distances: Tensor<Float>), _ views: Tensor<UInt8>,
        _ rows: Range<Int>
    ) {
        for part in rows.batches(of: batch) {
            let own = part.lowerBound - rows.lowerBound..<part.upperBound - rows.lowerBound
            let pixels = views.rows(at: part).elements
            embeddings.add(
                float.vectors.rows(at: own), distances: float.distances.rows(at: own),
                plan.embed(pixels.span, count: part.count))
        }
    }

    /// What was found so far.
    public var report: DriftReport {
        DriftReport(
            pictures: embeddings.count, layerPictures: layerPictures,
            layers: zip(layers, errors).map { layer, sums in
                DriftReport.LayerDrift(
                    layer: layer.name, step: layer.format.scale, range: ranges[layer.name],
                    signal: sums.signal, error: sums.deviation, meanError: sums.mean,
                    maximumError: sums.largest)
            },
            meanCosine: embeddings.meanCosine,
            firstPercentileCosine: embeddings.cosine(atShare: 0.01),
            worstCosine: embeddings.cosine(atShare: 0),
            changedClusters: embeddings.changedShare,
            neighbourOverlap: embeddings.neighbourOverlap())
    }
}

/// Sums over the elements of one layer's outputs.
private struct ErrorSums {
    private var count = 0
    private var error = 0.0
    private var squaredError = 0.0
    private var square = 0.0
    private(set) var largest = 0.0

    mutating func add(_ exact: Tensor<Float>, _ rounded: Tensor<UInt8>, _ format: ActivationFormat)
    {
        precondition(exact.count == rounded.count, "\(exact.shape) against \(rounded.shape)")
        let (exact, rounded) = (exact.elements.span, rounded.elements.span)
        let dequantized = (0...255).map { Double(format.dequantized(UInt8($0))) }
        let values = dequantized.span
        // Four sums of each kind, none of which waits for another.
        typealias Lanes = SIMD4<Double>
        var (errors, squaredErrors, squares, most) = (Lanes(), Lanes(), Lanes(), Lanes())
        func add(_ x: Lanes, _ y: Lanes) {
            let difference = y - x
            errors += difference
            squaredErrors += difference * difference
            squares += x * x
            let size = difference.replacing(with: -difference, where: difference .< 0)
            most.replace(with: size, where: size .> most)
        }
        let whole = exact.count & ~3
        for i in stride(from: 0, to: whole, by: 4) {
            add(
                Lanes(
                    Double(exact[i]), Double(exact[i + 1]), Double(exact[i + 2]),
                    Double(exact[i + 3])),
                Lanes(
                    values[Int(rounded[i])], values[Int(rounded[i + 1])],
                    values[Int(rounded[i + 2])], values[Int(rounded[i + 3])]))
        }
        for i in whole..<exact.count {
            add(
                Lanes(Double(exact[i]), 0, 0, 0), Lanes(values[Int(rounded[i])], 0, 0, 0))
        }
        error += errors.sum()
        squaredError += squaredErrors.sum()
        square += squares.sum()
        largest = max(largest, most.max())
        count += exact.count
    }

    var mean: Double { error / Double(max(count, 1)) }
    var signal: Double { (square / Double(max(count, 1))).squareRoot() }
    /// The root mean square of the differences.
    var deviation: Double { (squaredError / Double(max(count, 1))).squareRoot() }
}
