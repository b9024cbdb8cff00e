import LinearAlgebra
import Model

/// A convolution as matrix products over tiles of windows.
///
/// Forward, `Y = X · Wᵀ` where a row of X is a window; backward, `dW = dYᵀ · X` and
/// `dX = dY · W`, scattered back to where the windows came from. Windows are copied again in
/// the backward pass: keeping them would take kH·kW times the memory of the input.
final class ConvolutionLayer: FloatLayer {
    private let windows: ConvolutionWindows
    private let weight: Parameter
    private let ending: ConvolutionEpilogue
    private let workspace: Workspace
    /// The weights for our own loops; nil where OpenBLAS makes the products.
    private let packed: PackedWeights?
    /// The state of the weights that were packed.
    private var packedAreOf: Int?

    init(
        _ windows: ConvolutionWindows, weight: Parameter, ending: ConvolutionEpilogue,
        workspace: Workspace, loops: FloatLoops?
    ) {
        (self.windows, self.weight, self.ending) = (windows, weight, ending)
        self.workspace = workspace
        if let loops, windows.groups == 1, windows.outputs >= loops.lanes {
            packed = PackedWeights(loops, outputs: windows.outputs, inputs: windows.depth)
        } else {
            packed = nil
        }
    }

    var parameters: [Parameter] { [weight] + (ending.bias.map { [$0] } ?? []) }
    var needsInputs: Bool { true }

    func forward(_ pass: LayerPass) {
        ending.update()
        if let packed {
            unsafe forward(pass, packed)
            return
        }
        let x = unsafe pass.inputs[0]
        pass.team.forEachShare(of: pass.count * windows.outputHeight) { shard, rows in
            forEachTile(of: rows) { tile in
                unsafe multiply(x, tile: tile, to: pass.output, shard: shard)
                unsafe ending.finish(
                    pass.output + tile.lowerBound * windows.outputWidth * windows.outputs,
                    rows: tile.count * windows.outputWidth, channels: windows.outputs)
            }
        }
    }

    func backward(_ pass: LayerPass) {
        let x = unsafe pass.inputs[0]
        let gradient = unsafe pass.outputGradient!
        pass.team.forEachShare(of: pass.count) { shard, pictures in
            let count = weight.count + windows.outputs
            let partial = unsafe workspace.partial(shard: shard, count: count)
            unsafe partial.update(repeating: 0, count: count)
            if let target = pass.inputGradients[0], !target.accumulates {
                unsafe (target.base + pictures.lowerBound * windows.pictureCount)
                    .update(repeating: 0, count: pictures.count * windows.pictureCount)
            }
            let height = windows.outputHeight
            let rows = pictures.lowerBound * height..<pictures.upperBound * height
            forEachTile(of: rows) { tile in
                for group in 0..<windows.groups {
                    unsafe addWeightGradient(
                        x, gradient, tile: tile, group: group, to: partial, shard: shard)
                    if let target = pass.inputGradients[0] {
                        unsafe addInputGradient(
                            gradient, tile: tile, group: group, to: target.base, shard: shard)
                    }
                }
            }
            if ending.bias != nil {
                let positions = windows.outputWidth * windows.outputs
                unsafe RowLoops.columnSums(
                    gradient + rows.lowerBound * positions,
                    rows: rows.count * windows.outputWidth, channels: windows.outputs,
                    into: partial + weight.count)
            }
        }
        let parts = workspace.partials(pass.team.shards(of: pass.count))
        weight.addGradient(parts: parts, team: pass.team)
        ending.bias?.addGradient(parts: parts, offset: weight.count, team: pass.team)
    }

    @unsafe private func forward(_ pass: LayerPass, _ packed: PackedWeights) {
        if packedAreOf != weight.generation {
            packedAreOf = weight.generation
            packed.reserve()
            unsafe packed.pack(weight.value.base)
        }
        let x = unsafe pass.inputs[0]
        pass.team.forEachShare(of: pass.count * windows.outputHeight) { shard, rows in
            forEachTile(of: rows, step: windows.packedTileRows) { tile in
                unsafe packed.multiply(
                    columns(x, tile: tile, group: 0, shard: shard),
                    rows: tile.count * windows.outputWidth,
                    to: pass.output + tile.lowerBound * windows.outputWidth * windows.outputs,
                    ending.fused)
            }
        }
    }

    private func forEachTile(
        of rows: Range<Int>, step: Int? = nil, _ body: (Range<Int>) -> Void
    ) {
        let step = step ?? windows.tileRows
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
            body(start..<min(start + step, rows.upperBound))
        }
    }

    /// The windows of a tile: a copy, or the input itself where that has the same layout.
    @unsafe private func columns(
        _ x: UnsafeMutablePointer<Float>, tile: Range<Int>, group: Int, shard: Int
    ) -> UnsafeMutablePointer<Float> {
        let positions = tile.count * windows.outputWidth
        guard !windows.isPointwise else {
            return unsafe x + tile.lowerBound * windows.outputWidth * windows.channels
        }
        let columns = unsafe workspace.columns(shard: shard, count: positions * windows.depth)
        unsafe windows.gather(x, rows: tile, group: group, into: columns)
        return unsafe columns
    }

    @unsafe private func multiply(
        _ x: UnsafeMutablePointer<Float>, tile: Range<Int>, to y: UnsafeMutablePointer<Float>,
        shard: Int
    ) {
        let (depth, outputs) = (windows.depth, windows.groupOutputs)
        let positions = tile.count * windows.outputWidth
        let target = unsafe y + tile.lowerBound * windows.outputWidth * windows.outputs
        for group in 0..<windows.groups {
            let columns = unsafe columns(x, tile: tile, group: group, shard: shard)
            unsafe BLAS.gemm(
                transposeA: false, transposeB: true, m: positions, n: outputs, k: depth,
                alpha: 1, a: columns, lda: depth, b: weight.value.base + group * outputs * depth,
                ldb: depth, beta: 0, c: target + group * outputs, ldc: windows.outputs)
        }
    }

    @unsafe private func addWeightGradient(
        _ x: UnsafeMutablePointer<Float>, _ gradient: UnsafeMutablePointer<Float>,
        tile: Range<Int>, group: Int, to partial: UnsafeMutablePointer<Float>, shard: Int
    ) {
        let (depth, outputs) = (windows.depth, windows.groupOutputs)
        let positions = tile.count * windows.outputWidth
        let columns = unsafe columns(x, tile: tile, group: group, shard: shard)
        let dy = unsafe gradient + tile.lowerBound * windows.outputWidth * windows.outputs
        unsafe BLAS.gemm(
            transposeA: true, transposeB: false, m: outputs, n: depth, k: positions,
            alpha: 1, a: dy + group * outputs, lda: windows.outputs, b: columns, ldb: depth,
            beta: 1, c: partial + group * outputs * depth, ldc: depth)
    }

    @unsafe private func addInputGradient(
        _ gradient: UnsafeMutablePointer<Float>, tile: Range<Int>, group: Int,
        to target: UnsafeMutablePointer<Float>, shard: Int
    ) {
        let (depth, outputs) = (windows.depth, windows.groupOutputs)
        let positions = tile.count * windows.outputWidth
        let first = tile.lowerBound * windows.outputWidth
        let dy = unsafe gradient + first * windows.outputs + group * outputs
        let weights = unsafe weight.value.base + group * outputs * depth
        let columns =
            unsafe windows.isPointwise
            ? target + first * windows.channels
            : workspace.columnGradients(shard: shard, count: positions * depth)
        unsafe BLAS.gemm(
            transposeA: false, transposeB: false, m: positions, n: depth, k: outputs, alpha: 1,
            a: dy, lda: windows.outputs, b: weights, ldb: depth,
            beta: windows.isPointwise ? 1 : 0, c: columns, ldc: depth)
        if !windows.isPointwise {
            unsafe windows.scatterAdd(columns, rows: tile, group: group, to: target)
        }
    }
}
