/// The sum of two activations.
final class AddLayer: FloatLayer {
    private let elements: Int

    /// - Parameter elements: Elements of one picture.
    init(elements: Int) { self.elements = elements }

    var worksInPlace: Bool { true }

    func forward(_ pass: LayerPass) {
        pass.team.forEachShare(of: pass.count * elements, unit: 16) { _, range in
            let (a, b, y) = unsafe (pass.inputs[0], pass.inputs[1], pass.output)
            for i in range { unsafe y[i] = a[i] + b[i] }
        }
    }

    func backward(_ pass: LayerPass) {
        // The second input first: the first one's gradient may be the output's memory, and
        // both may be one input added to itself.
        for input in [1, 0] {
            guard let target = pass.inputGradients[input] else { continue }
            pass.team.forEachShare(of: pass.count * elements, unit: 16) { _, range in
                let first = range.lowerBound
                unsafe RowLoops.store(
                    pass.outputGradient! + first, to: target.base + first, count: range.count,
                    accumulates: target.accumulates)
            }
        }
    }
}
