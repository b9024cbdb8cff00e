import Inference
import Model
import Tensors

/// Runs the int8 network beside the outputs of the float one and sums up the differences.
struct DriftMeter {
    /// The layers of the float network whose outputs are compared.
    let sources: Set<String>

    private let plan: InferencePlan
    private let batch: Int
    private let layers: [(name: String, source: String, format: ActivationFormat)]
    private let embedding: String
    private let distances: String
    private var errors: [ErrorSums]
    private var pictures = 0
    private var cosineSum = 0.0
    private var worstCosine = 1.0
    private var changed = 0

    init(
        _ folded: FoldedNetwork, _ quantized: Checkpoint, formats: [String: ActivationFormat],
        threads: Int
    ) throws(QuantizationError) {
        batch = max(1, threads)
        do {
            plan = try InferencePlan(quantized, batch: batch, threads: threads)
        } catch { throw .inference(error) }
        layers = folded.steps.compactMap { step in
            formats[step.layer.name].map { (step.layer.name, step.source, $0) }
        }
        errors = layers.map { _ in ErrorSums() }
        embedding = "normalize"
        distances = "centroids"
        sources = Set(layers.map(\.source) + [embedding, distances])
    }

    /// Compares some pictures.
    ///
    /// - Parameters:
    ///   - float: The float outputs of `sources` for these pictures.
    ///   - views: All pictures, `[n, height, width, 3]`.
    ///   - rows: Which of the n.
    mutating func compare(
        _ float: [String: Tensor<Float>], views: Tensor<UInt8>, rows: Range<Int>
    ) {
        for part in rows.batches(of: batch) {
            let pixels = views.rows(at: part).elements
            let outputs = plan.outputs(pixels.span, count: part.count)
            let offset = part.lowerBound - rows.lowerBound
            for (index, layer) in layers.enumerated() {
                guard let exact = float[layer.source], let rounded = outputs[layer.name] else {
                    preconditionFailure("no output of '\(layer.name)' to compare")
                }
                errors[index].add(
                    exact.rows(at: offset..<offset + part.count), rounded, layer.format)
            }
            let found = plan.embed(pixels.span, count: part.count)
            for (index, result) in found.enumerated() {
                compare(
                    result, vector: float[embedding]?[row: offset + index] ?? [],
                    distances: float[distances]?[row: offset + index] ?? [])
            }
        }
    }

    private mutating func compare(
        _ result: Embedding, vector: ArraySlice<Float>, distances: ArraySlice<Float>
    ) {
        // Both have unit length, so the dot product is the cosine.
        let cosine = zip(vector, result.vector).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        pictures += 1
        cosineSum += cosine
        worstCosine = min(worstCosine, cosine)
        let nearest = distances.indices.min { distances[$0] < distances[$1] }
        if nearest.map({ $0 - distances.startIndex }) != result.cluster { changed += 1 }
    }

    /// What was found so far.
    var report: DriftReport {
        let count = Double(max(pictures, 1))
        return DriftReport(
            pictures: pictures,
            layers: zip(layers, errors).map { layer, sums in
                DriftReport.LayerDrift(
                    layer: layer.name, step: layer.format.scale, signal: sums.signal,
                    meanError: sums.mean, maximumError: sums.largest)
            },
            meanCosine: cosineSum / count, worstCosine: worstCosine,
            changedClusters: Double(changed) / count)
    }
}

/// Sums over the elements of one layer's outputs.
private struct ErrorSums {
    private var count = 0
    private var error = 0.0
    private var square = 0.0
    private(set) var largest = 0.0

    mutating func add(_ exact: Tensor<Float>, _ rounded: Tensor<UInt8>, _ format: ActivationFormat)
    {
        precondition(exact.count == rounded.count, "\(exact.shape) against \(rounded.shape)")
        let (exact, rounded) = (exact.elements.span, rounded.elements.span)
        for i in exact.indices {
            let difference = Double(format.dequantized(rounded[i])) - Double(exact[i])
            error += difference
            square += Double(exact[i]) * Double(exact[i])
            largest = max(largest, abs(difference))
        }
        count += exact.count
    }

    var mean: Double { error / Double(max(count, 1)) }
    var signal: Double { (square / Double(max(count, 1))).squareRoot() }
}
