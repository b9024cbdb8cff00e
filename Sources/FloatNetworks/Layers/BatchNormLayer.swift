private import Foundation

/// The tensors of one batch norm.
struct NormParameters {
    let weight, bias, mean, variance: Parameter
    let epsilon: Float

    var channels: Int { weight.count }
    var all: [Parameter] { [weight, bias, mean, variance] }
}

/// A batch norm in evaluation as one factor and one summand a channel.
final class FoldedNorm {
    private let parameters: NormParameters
    let scale: Buffer<Float>
    let shift: Buffer<Float>

    init(_ parameters: NormParameters) {
        self.parameters = parameters
        scale = Buffer(count: parameters.channels)
        shift = Buffer(count: parameters.channels)
    }

    /// Reads the running statistics again.
    ///
    /// - Parameter bias: The bias of the layer before, which joins the summand.
    func update(bias: Parameter?) {
        for c in 0..<parameters.channels {
            let variance = unsafe parameters.variance.value.base[c]
            let deviation = (variance + parameters.epsilon).squareRoot()
            let factor = unsafe parameters.weight.value.base[c] / deviation
            let added = unsafe bias?.value.base[c] ?? 0
            unsafe scale.base[c] = factor
            unsafe shift.base[c] =
                parameters.bias.value.base[c] + (added - parameters.mean.value.base[c]) * factor
        }
    }
}

/// Batch normalization over everything but the channels, with the activation that follows.
///
/// Training normalizes by the batch's mean and biased variance and moves the running
/// statistics by a tenth towards the mean and the *unbiased* variance, as PyTorch does.
///
/// Source: Ioffe and Szegedy, "Batch normalization", ICML 2015.
final class BatchNormLayer: FloatLayer {
    /// The share of the batch in the running statistics.
    static let momentum: Float = 0.1
    /// Rows summed in Float before they join a sum in Double: few enough that a block stays in
    /// the first-level cache, and that no sum in Float grows long.
    private let block: Int

    private let norm: NormParameters
    private let positions: Int
    private let activation: Activation
    private let workspace: Workspace
    private let folded: FoldedNorm
    private let mean, inverseDeviation, scale, shift: Buffer<Float>
    private let a, b, d: Buffer<Float>

    /// A layer over the given tensors.
    ///
    /// - Parameters:
    ///   - norm: The tensors.
    ///   - positions: Rows of channels in one picture.
    ///   - activation: What is applied to the result in the same pass.
    ///   - workspace: Scratch memory.
    init(
        _ norm: NormParameters, positions: Int, activation: Activation, workspace: Workspace
    ) {
        (self.norm, self.positions, self.activation) = (norm, positions, activation)
        self.workspace = workspace
        folded = FoldedNorm(norm)
        block = max(8, min(64, 4096 / norm.channels))
        let buffers = (0..<7).map { _ in Buffer<Float>(count: norm.channels) }
        (mean, inverseDeviation, scale, shift) = (buffers[0], buffers[1], buffers[2], buffers[3])
        (a, b, d) = (buffers[4], buffers[5], buffers[6])
    }

    var parameters: [Parameter] { norm.all }
    var worksInPlace: Bool { true }
    var needsInputs: Bool { true }

    func forward(_ pass: LayerPass) {
        var (scale, shift) = (scale, shift)
        if pass.isTraining {
            measure(pass)
        } else {
            folded.update(bias: nil)
            (scale, shift) = (folded.scale, folded.shift)
        }
        let channels = norm.channels
        pass.team.forEachShare(of: pass.count * positions) { _, rows in
            let offset = rows.lowerBound * channels
            unsafe RowLoops.affine(
                pass.inputs[0] + offset, to: pass.output + offset, rows: rows.count,
                channels: channels, scale: scale.base, shift: shift.base, activation)
        }
    }

    // MARK: Statistics

    /// Finds the batch's mean and variance and moves the running ones.
    private func measure(_ pass: LayerPass) {
        let (rows, channels) = (pass.count * positions, norm.channels)
        pass.team.forEachShare(of: rows) { shard, share in
            unsafe addMoments(pass.inputs[0], rows: share, shard: shard)
        }
        // Each share left its mean and sum of squares; the first one absorbs the others.
        let shards = pass.team.shards(of: rows)
        let total = unsafe workspace.sums(shard: shards[0], count: 2 * channels)
        var count = pass.team.share(of: rows, shard: shards[0]).count
        for shard in shards.dropFirst() {
            let part = unsafe workspace.sums(shard: shard, count: 2 * channels)
            let added = pass.team.share(of: rows, shard: shard).count
            for c in 0..<channels {
                unsafe Self.merge(
                    mean: &total[c], squares: &total[channels + c], count: count,
                    addedMean: part[c], addedSquares: part[channels + c], added: added)
            }
            count += added
        }
        for c in 0..<channels {
            unsafe adopt(c, mean: total[c], squares: total[channels + c], count: count)
        }
    }

    private func adopt(_ c: Int, mean batchMean: Double, squares: Double, count: Int) {
        let deviation = (squares / Double(count) + Double(norm.epsilon)).squareRoot()
        let unbiased = squares / Double(max(1, count - 1))
        let factor = unsafe Double(norm.weight.value.base[c]) / deviation
        unsafe mean.base[c] = Float(batchMean)
        unsafe inverseDeviation.base[c] = Float(1 / deviation)
        unsafe scale.base[c] = Float(factor)
        unsafe shift.base[c] = Float(Double(norm.bias.value.base[c]) - batchMean * factor)
        let keep = 1 - Self.momentum
        unsafe norm.mean.value.base[c] =
            keep * norm.mean.value.base[c] + Self.momentum * Float(batchMean)
        unsafe norm.variance.value.base[c] =
            keep * norm.variance.value.base[c] + Self.momentum * Float(unbiased)
    }

    /// The mean, and the sum of squares about it, of some rows: block by block in two passes,
    /// so that nothing cancels, and merged in Double.
    @unsafe private func addMoments(_ x: UnsafeMutablePointer<Float>, rows: Range<Int>, shard: Int)
    {
        let channels = norm.channels
        let total = unsafe workspace.sums(shard: shard, count: 2 * channels)
        unsafe total.update(repeating: 0, count: 2 * channels)
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
            let count = min(block, rows.upperBound - start)
            Lanes.forEachRun(of: channels) { c, lanes in
                let first = unsafe x + start * channels + c
                var (sum, squares) = (Lanes.zero, Lanes.zero)
                for row in 0..<count { unsafe sum += Lanes(first + row * channels, count: lanes) }
                let mean = sum / Float(count)
                for row in 0..<count {
                    let difference = unsafe Lanes(first + row * channels, count: lanes) - mean
                    squares += difference * difference
                }
                for lane in 0..<lanes {
                    unsafe Self.merge(
                        mean: &total[c + lane], squares: &total[channels + c + lane],
                        count: start - rows.lowerBound, addedMean: Double(mean[lane]),
                        addedSquares: Double(squares[lane]), added: count)
                }
            }
        }
    }

    /// Joins two groups' moments.
    ///
    /// Source: Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983.
    @inline(__always)
    private static func merge(
        mean: inout Double, squares: inout Double, count: Int,
        addedMean: Double, addedSquares: Double, added: Int
    ) {
        let (first, second) = (Double(count), Double(added))
        let total = first + second
        let difference = addedMean - mean
        mean += difference * (second / total)
        squares += addedSquares + difference * difference * (first * second / total)
    }

    // MARK: Backward

    func backward(_ pass: LayerPass) {
        let (rows, channels) = (pass.count * positions, norm.channels)
        pass.team.forEachShare(of: rows) { shard, share in
            unsafe sumGradients(pass, rows: share, shard: shard)
        }
        let shards = pass.team.shards(of: rows)
        let total = unsafe workspace.sums(shard: shards[0], count: 2 * channels)
        for shard in shards.dropFirst() {
            let part = unsafe workspace.sums(shard: shard, count: 2 * channels)
            for i in 0..<(2 * channels) { unsafe total[i] += part[i] }
        }
        norm.bias.addGradient { unsafe total[$0] }
        norm.weight.addGradient { unsafe total[channels + $0] * Double(inverseDeviation.base[$0]) }
        guard let target = pass.inputGradients[0] else { return }
        // dx = γ/σ · (dy − Σdy/m − x̂ · Σ(dy·x̂)/m), as dx = a·dy + b·x + d.
        for c in 0..<channels {
            let (inverse, factor) = unsafe (
                Double(inverseDeviation.base[c]), Double(scale.base[c])
            )
            let slope = unsafe -factor * inverse * inverse * total[channels + c] / Double(rows)
            unsafe a.base[c] = scale.base[c]
            unsafe b.base[c] = Float(slope)
            unsafe d.base[c] = Float(
                -factor * total[c] / Double(rows) - slope * Double(mean.base[c]))
        }
        pass.team.forEachShare(of: rows) { _, share in
            unsafe writeInputGradient(pass, target, rows: share)
        }
    }

    /// Σdy and Σdy·(x − mean) of some rows, where dy is masked by the activation.
    @unsafe private func sumGradients(_ pass: LayerPass, rows: Range<Int>, shard: Int) {
        let channels = norm.channels
        let total = unsafe workspace.sums(shard: shard, count: 2 * channels)
        unsafe total.update(repeating: 0, count: 2 * channels)
        let (lower, upper) = activation.openRange
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
            let rows = start..<min(start + block, rows.upperBound)
            Lanes.forEachRun(of: channels) { c, count in
                let mean = unsafe Lanes(self.mean.base + c, count: count)
                let scale = unsafe Lanes(self.scale.base + c, count: count)
                let shift = unsafe Lanes(self.shift.base + c, count: count)
                var (sum, product) = (Lanes.zero, Lanes.zero)
                for row in rows {
                    let x = unsafe Lanes(pass.inputs[0] + row * channels + c, count: count)
                    let dy = unsafe Lanes(pass.outputGradient! + row * channels + c, count: count)
                    let gradient = dy.masked(x * scale + shift, lower, upper)
                    sum += gradient
                    product += gradient * (x - mean)
                }
                for lane in 0..<count {
                    unsafe total[c + lane] += Double(sum[lane])
                    unsafe total[channels + c + lane] += Double(product[lane])
                }
            }
        }
    }

    @unsafe private func writeInputGradient(
        _ pass: LayerPass, _ target: LayerPass.InputGradient, rows: Range<Int>
    ) {
        let channels = norm.channels
        let (lower, upper) = activation.openRange
        let accumulates = target.accumulates
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
            let rows = start..<min(start + block, rows.upperBound)
            Lanes.forEachRun(of: channels) { c, count in
                let scale = unsafe Lanes(self.scale.base + c, count: count)
                let shift = unsafe Lanes(self.shift.base + c, count: count)
                let a = unsafe Lanes(self.a.base + c, count: count)
                let b = unsafe Lanes(self.b.base + c, count: count)
                let d = unsafe Lanes(self.d.base + c, count: count)
                for row in rows {
                    let x = unsafe Lanes(pass.inputs[0] + row * channels + c, count: count)
                    let dy = unsafe Lanes(pass.outputGradient! + row * channels + c, count: count)
                    let dx = unsafe target.base + row * channels + c
                    var result = a * dy.masked(x * scale + shift, lower, upper) + (b * x + d)
                    if accumulates { unsafe result += Lanes(dx, count: count) }
                    unsafe result.store(to: dx, count: count)
                }
            }
        }
    }
}

extension Activation {
    /// The values strictly between which the gradient passes.
    fileprivate var openRange: (lower: Lanes, upper: Lanes) {
        switch self {
        case .identity: (Lanes(repeating: -.infinity), Lanes(repeating: .infinity))
        case .relu: (.zero, Lanes(repeating: .infinity))
        case .relu6: (.zero, Lanes(repeating: 6))
        }
    }
}

extension SIMD8<Float> {
    /// Zero wherever `value` is not strictly between the bounds.
    @inline(__always)
    fileprivate func masked(_ value: Lanes, _ lower: Lanes, _ upper: Lanes) -> Lanes {
        replacing(with: 0, where: (value .<= lower) .| (value .>= upper))
    }
}
