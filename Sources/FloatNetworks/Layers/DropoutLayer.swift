import Tensors

/// Inverted dropout: each element is dropped with the given probability while training and the
/// others are divided by the probability of staying, so that evaluation needs no factor.
///
/// Source: Srivastava et al., "Dropout", JMLR 2014.
final class DropoutLayer: FloatLayer {
    private let probability: Float
    private let elements: Int
    private let stream: UInt64
    private let mask = Buffer<UInt8>()

    /// - Parameters:
    ///   - probability: That of dropping an element.
    ///   - elements: Elements of one picture.
    ///   - index: The layer's place in its network, so that two layers drop different elements.
    init(probability: Float, elements: Int, index: Int) {
        (self.probability, self.elements) = (probability, elements)
        stream = UInt64(index) << 40
    }

    var worksInPlace: Bool { true }

    func forward(_ pass: LayerPass) {
        guard pass.isTraining else {
            unsafe RowLoops.store(
                pass.inputs[0], to: pass.output, count: pass.count * elements, accumulates: false)
            return
        }
        mask.reserve(pass.count * elements)
        let scale = 1 / (1 - probability)
        pass.team.forEachShare(of: pass.count) { _, pictures in
            let (x, y, mask) = unsafe (pass.inputs[0], pass.output, mask.base)
            for picture in pictures {
                // One sequence for each picture, so that the split into shares does not matter.
                var random = SeededGenerator(seed: pass.seed, stream: stream + UInt64(picture))
                for i in picture * elements..<(picture + 1) * elements {
                    let kept = random.uniform() >= probability
                    unsafe mask[i] = kept ? 1 : 0
                    unsafe y[i] = kept ? x[i] * scale : 0
                }
            }
        }
    }

    func backward(_ pass: LayerPass) {
        guard let target = pass.inputGradients[0] else { return }
        let scale = 1 / (1 - probability)
        pass.team.forEachShare(of: pass.count * elements, unit: 16) { _, range in
            let (dy, dx, mask) = unsafe (pass.outputGradient!, target.base, mask.base)
            let accumulates = target.accumulates
            for i in range {
                let gradient = unsafe mask[i] == 1 ? dy[i] * scale : 0
                unsafe dx[i] = accumulates ? dx[i] + gradient : gradient
            }
        }
    }
}
