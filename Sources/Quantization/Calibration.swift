import LinearAlgebra
import Model
import Tensors

/// What the float network does on the calibration pictures: how its activations are distributed
/// and what its layers read.
struct Calibration {
    /// The formats of the input and of every 8-bit output.
    private(set) var formats: [String: ActivationFormat] = [:]
    /// The rule by which each format was chosen; none for the input and for maxima.
    private(set) var rules: [String: RangeRule] = [:]

    private let folded: FoldedNetwork
    private var histograms: [String: ActivationHistogram] = [:]
    private var samples: [Place: InputSamples] = [:]

    /// One input of one layer.
    private struct Place: Hashable {
        let layer: String
        let input: Int
    }

    /// Runs the float network over all pictures.
    ///
    /// - Parameters:
    ///   - folded: The network in the shape of the int8 engine.
    ///   - reference: The float network.
    ///   - views: The pictures, `[n, height, width, 3]`.
    ///   - input: What the network expects of them.
    ///   - progress: Told how many pictures are done.
    /// - Throws: `QuantizationError.notFinite` with the layer.
    init(
        _ folded: FoldedNetwork, _ reference: FloatReference, views: Tensor<UInt8>,
        input: InputSpecification, progress: (_ done: Int) -> Void
    ) throws(QuantizationError) {
        self.folded = folded
        try prepare(reference, pictures: views.shape[0])
        let names = Set(
            histograms.keys.map(folded.source)
                + samples.keys.map { folded.source(of: folded.input(of: $0.layer, $0.input)) })
        for rows in (0..<views.shape[0]).batches(of: reference.batch) {
            try add(reference.outputs(of: names, for: views, rows: rows))
            progress(rows.upperBound)
        }
        choose(input: input)
    }

    private mutating func prepare(
        _ reference: FloatReference, pictures: Int
    ) throws(QuantizationError) {
        let shapes: [String: Shape]
        do {
            shapes = try folded.network.outputShapes(input: reference.pictureShape)
        } catch { throw .network(error) }
        for step in folded.steps {
            let layer = step.layer
            // A maximum is one of its inputs, so it shares their format.
            if folded.network.isQuantized(layer), !layer.kind.isMaximum {
                histograms[layer.name] = ActivationHistogram()
            }
            for (number, name) in layer.inputs.enumerated() {
                guard let input = shapes[name], let output = shapes[layer.name],
                    let windows = InputWindows(layer.kind, input: input, output: output)
                else { continue }
                samples[Place(layer: layer.name, input: number)] = InputSamples(
                    windows, pictures: pictures, hasWeights: step.weights != nil)
            }
        }
    }

    private mutating func add(_ outputs: [String: Tensor<Float>]) throws(QuantizationError) {
        func output(_ layer: String) -> Tensor<Float> {
            guard let values = outputs[folded.source(of: layer)] else {
                preconditionFailure("the float network did not capture '\(layer)'")
            }
            return values
        }
        for step in folded.steps {
            let name = step.layer.name
            if histograms[name] != nil {
                let isFinite = histograms[name]?.add(output(name).elements.span) ?? true
                guard isFinite else { throw .notFinite(layer: step.source) }
            }
            for (number, input) in step.layer.inputs.enumerated() {
                samples[Place(layer: name, input: number)]?.add(output(input))
            }
        }
    }
}

// MARK: - Choosing

extension Calibration {
    private mutating func choose(input: InputSpecification) {
        formats[Network.input] = ActivationFormat(input: input)
        for step in folded.steps {
            let name = step.layer.name
            if let histogram = histograms[name] {
                let choice = RangeJudge(readers(of: name)).choose(histogram, bounds: step.bounds)
                formats[name] = choice.format
                rules[name] = choice.rule
            } else if step.layer.kind.isMaximum {
                formats[name] = formats[step.layer.inputs[0]]
            }
        }
    }

    /// Who reads the values of a layer, directly or as maxima of them.
    private func readers(of layer: String) -> [RangeJudge.Reader] {
        folded.steps.flatMap { step in
            step.layer.inputs.enumerated().filter { $0.element == layer }.flatMap {
                number, _ -> [RangeJudge.Reader] in
                if step.layer.kind.isMaximum { return readers(of: step.layer.name) }
                let place = Place(layer: step.layer.name, input: number)
                guard let samples = samples[place] else { return [] }
                let filters = step.weights.map { weights in
                    weights.weight.reshaped(
                        to: [weights.weight.shape[0], weights.weight.rowCount])
                }
                return [RangeJudge.Reader(samples: samples, filters: filters)]
            }
        }
    }

    /// How the weights of a layer are rounded, for each group; each layer can be asked once,
    /// since what it takes is large and not kept.
    mutating func takeRoundings(of layer: String) -> [CompensatedRounding?] {
        let place = Place(layer: layer, input: 0)
        let moments = samples[place]?.moments ?? []
        samples[place]?.dropMoments()
        return moments.map { CompensatedRounding($0) }
    }
}

extension LayerKind {
    /// Whether outputs are some of the inputs.
    var isMaximum: Bool {
        if case .maxPool = self { true } else { false }
    }
}

extension FoldedNetwork {
    /// The layer that a layer reads.
    fileprivate func input(of layer: String, _ number: Int) -> String {
        steps.first { $0.layer.name == layer }?.layer.inputs[number] ?? Network.input
    }
}
