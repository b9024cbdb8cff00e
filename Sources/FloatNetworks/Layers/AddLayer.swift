/// The sum of two activations, in evaluation with the ReLU or ReLU6 that follows.
final class AddLayer: FloatLayer {
    private let elements: Int
    private let activation: Activation

    /// - Parameters:
    ///   - elements: Elements of one picture.
    ///   - activation: What is applied to the sum; in training nothing.
    init(elements: Int, activation: Activation) {
        (self.elements, self.activation) = (elements, activation)
    }

    var worksInPlace: Bool { true }

    func forward(_ pass: LayerPass) {
        pass.team.forEachShare(of: pass.count * elements, unit: 16) { _, range in
            let (a, b, y) = unsafe (pass.inputs[0], pass.inputs[1], pass.output)
            switch activation {
            case .identity:
                for i in range { unsafe y[i] = a[i] + b[i] }
            case .relu:
                for i in range {
                    let sum = unsafe a[i] + b[i]
                    // A NaN stays one.
                    unsafe y[i] = sum < 0 ? 0 : sum
                }
            case .relu6:
                for i in range {
                    let sum = unsafe a[i] + b[i]
                    let positive = sum < 0 ? 0 : sum
                    unsafe y[i] = positive > 6 ? 6 : positive
                }
            }
        }
    }

    func backward(_ pass: LayerPass) {
        precondition(activation == .identity, "\(activation) is for evaluation")
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
