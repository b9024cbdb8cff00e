/// ReLU or ReLU6 where no batch norm comes right before it.
final class ActivationLayer: FloatLayer {
    private let activation: Activation
    private let elements: Int

    /// - Parameters:
    ///   - activation: What is computed.
    ///   - elements: Elements of one picture.
    init(_ activation: Activation, elements: Int) {
        (self.activation, self.elements) = (activation, elements)
    }

    var worksInPlace: Bool { true }
    var needsOutput: Bool { true }

    func forward(_ pass: LayerPass) {
        pass.team.forEachShare(of: pass.count * elements, unit: 16) { _, range in
            let first = range.lowerBound
            unsafe RowLoops.activate(
                pass.inputs[0] + first, to: pass.output + first, count: range.count, activation)
        }
    }

    func backward(_ pass: LayerPass) {
        guard let target = pass.inputGradients[0] else { return }
        // At the borders themselves the gradient is zero, as in PyTorch.
        let upper: Float = activation == .relu6 ? 6 : .infinity
        pass.team.forEachShare(of: pass.count * elements, unit: 16) { _, range in
            let (y, dy, dx) = unsafe (pass.output, pass.outputGradient!, target.base)
            if target.accumulates {
                for i in range { unsafe dx[i] += y[i] > 0 && y[i] < upper ? dy[i] : 0 }
            } else {
                for i in range { unsafe dx[i] = y[i] > 0 && y[i] < upper ? dy[i] : 0 }
            }
        }
    }
}
