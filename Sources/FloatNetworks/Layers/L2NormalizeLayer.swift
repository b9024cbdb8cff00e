/// Each picture's activation divided by its Euclidean norm; zeros stay zeros and pass no gradient.
final class L2NormalizeLayer: FloatLayer {
    private let elements: Int
    private let norms = Buffer<Float>()

    /// - Parameter elements: Elements of one picture.
    init(elements: Int) { self.elements = elements }

    var worksInPlace: Bool { true }
    var needsOutput: Bool { true }

    func forward(_ pass: LayerPass) {
        norms.reserve(pass.count)
        pass.team.forEachShare(of: pass.count) { _, pictures in
            for picture in pictures {
                let x = unsafe pass.inputs[0] + picture * elements
                let y = unsafe pass.output + picture * elements
                var squares = 0.0
                for i in 0..<elements { squares += unsafe Double(x[i]) * Double(x[i]) }
                let norm = Float(squares.squareRoot())
                unsafe norms.base[picture] = norm
                let factor = norm > 0 ? 1 / norm : 0
                for i in 0..<elements { unsafe y[i] = x[i] * factor }
            }
        }
    }

    /// Writes `dx = (dy − y · ⟨y, dy⟩) / ‖x‖`.
    func backward(_ pass: LayerPass) {
        guard let target = pass.inputGradients[0] else { return }
        pass.team.forEachShare(of: pass.count) { _, pictures in
            let accumulates = target.accumulates
            for picture in pictures {
                let y = unsafe pass.output + picture * elements
                let dy = unsafe pass.outputGradient! + picture * elements
                let dx = unsafe target.base + picture * elements
                let norm = unsafe norms.base[picture]
                let factor = norm > 0 ? 1 / norm : 0
                var product = 0.0
                for i in 0..<elements { product += unsafe Double(y[i]) * Double(dy[i]) }
                let along = Float(product)
                for i in 0..<elements {
                    let gradient = unsafe (dy[i] - y[i] * along) * factor
                    unsafe dx[i] = accumulates ? dx[i] + gradient : gradient
                }
            }
        }
    }
}
