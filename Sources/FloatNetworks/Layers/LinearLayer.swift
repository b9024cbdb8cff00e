import LinearAlgebra
import Tensors

/// A linear map of the flattened input, `Y = X · Wᵀ + b`.
///
/// The team shares the columns of each product, not the pictures: every weight is then read by
/// one thread only, and no sum needs joining.
final class LinearLayer: FloatLayer {
    private let weight: Parameter
    private let bias: Parameter?
    private let inputs, outputs: Int

    init(weight: Parameter, bias: Parameter?) {
        (self.weight, self.bias) = (weight, bias)
        (outputs, inputs) = (weight.shape[0], weight.shape[1])
    }

    var parameters: [Parameter] { [weight] + (bias.map { [$0] } ?? []) }
    var needsInputs: Bool { true }

    func forward(_ pass: LayerPass) {
        pass.team.forEachShare(of: outputs, unit: 16) { _, range in
            let first = range.lowerBound
            unsafe BLAS.gemm(
                transposeA: false, transposeB: true, m: pass.count, n: range.count, k: inputs,
                alpha: 1, a: pass.inputs[0], lda: inputs,
                b: weight.value.base + first * inputs, ldb: inputs, beta: 0,
                c: pass.output + first, ldc: outputs)
            guard let shift = unsafe bias?.value.base else { return }
            for row in 0..<pass.count {
                let y = unsafe pass.output + row * outputs
                for o in range { unsafe y[o] += shift[o] }
            }
        }
    }

    func backward(_ pass: LayerPass) {
        let gradient = unsafe pass.outputGradient!
        weight.gradient.reserve(weight.count)
        let beta: Float = weight.gradientIsFresh ? 0 : 1
        pass.team.forEachShare(of: outputs, unit: 16) { _, range in
            let first = range.lowerBound
            unsafe BLAS.gemm(
                transposeA: true, transposeB: false, m: range.count, n: inputs, k: pass.count,
                alpha: 1, a: gradient + first, lda: outputs, b: pass.inputs[0], ldb: inputs,
                beta: beta, c: weight.gradient.base + first * inputs, ldc: inputs)
        }
        weight.gradientIsFresh = false
        bias?.addGradient { output in
            var sum = 0.0
            for row in 0..<pass.count { sum += unsafe Double(gradient[row * outputs + output]) }
            return sum
        }
        guard let target = pass.inputGradients[0] else { return }
        pass.team.forEachShare(of: inputs, unit: 16) { _, range in
            let first = range.lowerBound
            unsafe BLAS.gemm(
                transposeA: false, transposeB: false, m: pass.count, n: range.count, k: outputs,
                alpha: 1, a: gradient, lda: outputs, b: weight.value.base + first, ldb: inputs,
                beta: target.accumulates ? 1 : 0, c: target.base + first, ldc: inputs)
        }
    }
}
