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
    /// What is measured at each step, in their order.
    private var places: [Measurements] = []
    /// What the float network makes of the pictures.
    private(set) var embeddings = ReferenceEmbeddings()

    /// What is measured at one layer.
    fileprivate struct Measurements {
        /// Of its output, where that is in 8 bits; a maximum is one of its inputs, so it shares
        /// their format.
        var histogram: ActivationHistogram?
        /// Whether the output is a vector, which is counted of every picture.
        var hasVector: Bool
        /// Of each of its inputs; none where they are not summed up.
        var samples: [InputSamples?]
        /// Whether each of its inputs is one window, which is taken of every picture.
        var readsVectors: [Bool]
        /// Of its first input, over the first pictures, where it has weights.
        var means: ElementMeans?
        var isFinite = true
    }

    /// How many pictures the means are taken over; they need few.
    static let meanPictures = 32
    /// How many pictures' maps are looked at.
    ///
    /// A map has hundreds of windows and thousands of values, so few pictures tell as much of it as
    /// many do; a vector is one window.
    static let mapPictures = 96

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
        let all = Set(folded.steps.flatMap { [$0.source] + $0.layer.inputs.map(folded.source) })
        let vectors = Set(
            zip(folded.steps, places).flatMap { step, place in
                (place.hasVector ? [step.source] : [])
                    + zip(step.layer.inputs, place.readsVectors).filter(\.1).map {
                        folded.source(of: $0.0)
                    }
            })
        for rows in (0..<views.shape[0]).batches(of: reference.batch) {
            let seesMaps = rows.lowerBound < Self.mapPictures
            let outputs = reference.outputs(
                of: (seesMaps ? all : vectors).union(ReferenceEmbeddings.sources), for: views,
                rows: rows)
            embeddings.add(outputs)
            try add(
                outputs, maps: seesMaps,
                forMeans: min(rows.count, max(0, Self.meanPictures - rows.lowerBound)))
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
        places = folded.steps.map { step in
            let layer = step.layer
            let (hasFormat, hasWeights) = (
                folded.network.isQuantized(layer) && !layer.kind.isMaximum, step.weights != nil
            )
            let windows = layer.inputs.map { name in
                shapes[name].flatMap { input in
                    shapes[layer.name].flatMap {
                        InputWindows(layer.kind, input: input, output: $0)
                    }
                }
            }
            let readsVectors = windows.map { hasWeights && $0?.positions == 1 }
            return Measurements(
                histogram: hasFormat ? ActivationHistogram() : nil,
                hasVector: hasFormat && shapes[layer.name]?.rank == 1,
                samples: zip(windows, readsVectors).map { windows, isVector in
                    windows.map {
                        InputSamples(
                            $0, pictures: isVector ? pictures : min(pictures, Self.mapPictures),
                            hasWeights: hasWeights)
                    }
                },
                readsVectors: readsVectors,
                means: hasWeights ? ElementMeans() : nil)
        }
    }

    /// Adds some pictures, their maps too where `seesMaps` says so; the first `meanPictures` of
    /// them count for the means.
    private mutating func add(
        _ outputs: [String: Tensor<Float>], maps seesMaps: Bool, forMeans meanPictures: Int
    ) throws(QuantizationError) {
        let folded = folded
        unsafe places.withUnsafeMutableBufferPointer { places in
            nonisolated(unsafe) let places = unsafe places
            Blocks.forEach(of: folded.steps.count, size: 1) { block in
                let step = folded.steps[block.lowerBound]
                unsafe places[block.lowerBound].add(
                    output: outputs[step.source],
                    inputs: step.layer.inputs.map { outputs[folded.source(of: $0)] },
                    maps: seesMaps, forMeans: meanPictures)
            }
        }
        if let wrong = places.firstIndex(where: { !$0.isFinite }) {
            throw .notFinite(layer: folded.steps[wrong].source)
        }
    }

    /// The mean of what each layer with weights reads, by the layer's name.
    func inputMeans(of layer: String) -> ElementMeans {
        guard let place = folded.steps.firstIndex(where: { $0.layer.name == layer }),
            let means = places[place].means
        else { preconditionFailure("the float network did not measure '\(layer)'") }
        return means
    }
}

extension Calibration.Measurements {
    /// Adds the layer's output and inputs for some pictures.
    fileprivate mutating func add(
        output: Tensor<Float>?, inputs: [Tensor<Float>?], maps seesMaps: Bool,
        forMeans pictures: Int
    ) {
        if histogram != nil, seesMaps || hasVector, let output {
            isFinite = histogram?.add(output) ?? true
        }
        for (number, input) in inputs.enumerated() where seesMaps || readsVectors[number] {
            if let input { samples[number]?.add(input) }
        }
        if pictures > 0, let input = inputs[0] { means?.add(input.rows(at: 0..<pictures)) }
    }
}

// MARK: - Choosing

extension Calibration {
    private mutating func choose(input: InputSpecification) {
        formats[Network.input] = ActivationFormat(input: input)
        for (step, choice) in zip(folded.steps, choices()) {
            let name = step.layer.name
            if let choice {
                formats[name] = choice.format
                rules[name] = choice.rule
            } else if step.layer.kind.isMaximum {
                formats[name] = formats[step.layer.inputs[0]]
            }
        }
    }

    /// What is chosen for the output of each step; none where it is not in 8 bits, or a maximum.
    private func choices() -> [RangeJudge.Choice?] {
        var choices = [RangeJudge.Choice?](repeating: nil, count: places.count)
        unsafe choices.withUnsafeMutableBufferPointer { choices in
            nonisolated(unsafe) let choices = unsafe choices
            Blocks.forEach(of: places.count, size: 1) { block in
                let step = folded.steps[block.lowerBound]
                guard let histogram = places[block.lowerBound].histogram else { return }
                unsafe choices[block.lowerBound] = RangeJudge(readers(of: step.layer.name))
                    .choose(histogram, bounds: step.bounds)
            }
        }
        return choices
    }

    /// Who reads the values of a layer, directly or as maxima of them.
    private func readers(of layer: String) -> [RangeJudge.Reader] {
        zip(folded.steps, places).flatMap { step, measured in
            step.layer.inputs.enumerated().filter { $0.element == layer }.flatMap {
                number, _ -> [RangeJudge.Reader] in
                if step.layer.kind.isMaximum { return readers(of: step.layer.name) }
                guard let samples = measured.samples[number] else { return [] }
                let filters = step.weights.map { weights in
                    weights.weight.reshaped(
                        to: [weights.weight.shape[0], weights.weight.rowSize])
                }
                return [RangeJudge.Reader(samples: samples, filters: filters)]
            }
        }
    }

    /// How the weights of a layer are rounded, for each group; each layer can be asked once,
    /// since what it takes is large and not kept.
    mutating func takeRoundings(of layer: String) -> [CompensatedRounding?] {
        guard let place = folded.steps.firstIndex(where: { $0.layer.name == layer }),
            let moments = places[place].samples[0]?.moments
        else { return [] }
        places[place].samples[0]?.dropMoments()
        return moments.map { CompensatedRounding($0) }
    }
}

extension LayerKind {
    /// Whether outputs are some of the inputs.
    var isMaximum: Bool {
        if case .maxPool = self { true } else { false }
    }
}
