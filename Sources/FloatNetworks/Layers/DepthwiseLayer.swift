import CFloatLoops
import LinearAlgebra
import Model

/// A depthwise convolution, one filter a channel.
///
/// A matrix product would have one column only, so the filters are turned to `[kH, kW, C]` and the loops run across channels instead.
final class DepthwiseLayer: FloatLayer {
    private let windows: ConvolutionWindows
    private let weight: Parameter
    private let ending: ConvolutionEpilogue
    private let workspace: Workspace
    private let turned: Buffer<Float>
    private let turnedGradient: Buffer<Float>
    /// Our own loops, where they have this convolution.
    private let loops: FloatLoops?

    init(
        _ windows: ConvolutionWindows, weight: Parameter, ending: ConvolutionEpilogue,
        workspace: Workspace, loops: FloatLoops?
    ) {
        precondition(windows.groupChannels == 1 && windows.groupOutputs == 1, "not depthwise")
        (self.windows, self.weight, self.ending) = (windows, weight, ending)
        self.workspace = workspace
        self.loops = loops.flatMap { Self.suits(windows, $0) ? $0 : nil }
        turned = Buffer(count: weight.count)
        turnedGradient = Buffer(count: weight.count)
    }

    var parameters: [Parameter] { [weight] + (ending.bias.map { [$0] } ?? []) }
    var needsInputs: Bool { true }

    func forward(_ pass: LayerPass) {
        ending.update()
        turnFilters()
        if let loops {
            unsafe forward(pass, loops)
            return
        }
        let x = unsafe pass.inputs[0]
        let channels = windows.channels
        pass.team.forEachShare(of: pass.count * windows.outputHeight) { _, rows in
            for row in rows {
                let y = unsafe pass.output + row * windows.outputWidth * channels
                unsafe y.update(repeating: 0, count: windows.outputWidth * channels)
                forEachTap(row: row) { position, input, tap in
                    let target = unsafe y + position * channels
                    let source = unsafe x + input * channels
                    let filter = unsafe turned.base + tap * channels
                    for c in 0..<channels { unsafe target[c] += source[c] * filter[c] }
                }
                unsafe ending.finish(y, rows: windows.outputWidth, channels: channels)
            }
        }
    }

    private static func suits(_ windows: ConvolutionWindows, _ loops: FloatLoops) -> Bool {
        windows.kernelHeight == windows.kernelWidth
            && (windows.kernelHeight == 3 || windows.kernelHeight == 5)
            && (windows.stride == 1 || windows.stride == 2) && windows.channels >= loops.lanes
    }

    @unsafe private func forward(_ pass: LayerPass, _ loops: FloatLoops) {
        let sizes = cfl_depthwise(
            height: windows.height, width: windows.width, channels: windows.channels,
            output_width: windows.outputWidth, side: windows.kernelHeight,
            stride: windows.stride, top: windows.top, left: windows.left)
        let ending = unsafe ending.fused
        let x = unsafe pass.inputs[0]
        pass.team.forEachShare(of: pass.count * windows.outputHeight) { _, rows in
            unsafe withUnsafePointer(to: sizes) { sizes in
                unsafe withUnsafePointer(to: ending) { ending in
                    for row in rows {
                        let picture = row / windows.outputHeight * windows.pictureCount
                        unsafe loops.depthwiseRow(
                            sizes, x + picture, row % windows.outputHeight, turned.base, ending,
                            pass.output + row * windows.outputWidth * windows.channels)
                    }
                }
            }
        }
    }

    func backward(_ pass: LayerPass) {
        turnFilters()
        pass.team.forEachShare(of: pass.count) { shard, pictures in
            unsafe backward(pass, pictures: pictures, shard: shard)
        }
        let channels = windows.channels
        let parts = workspace.partials(pass.team.shards(of: pass.count))
        let taps = windows.depth
        for part in parts {
            let turned = unsafe turnedGradient.base
            unsafe turned.update(from: part.base, count: weight.count)
            for c in 0..<channels {
                for tap in 0..<taps {
                    unsafe part.base[c * taps + tap] = turned[tap * channels + c]
                }
            }
        }
        weight.addGradient(parts: parts, team: pass.team)
        ending.bias?.addGradient(parts: parts, offset: weight.count, team: pass.team)
    }

    @unsafe private func backward(_ pass: LayerPass, pictures: Range<Int>, shard: Int) {
        let (x, dy) = unsafe (pass.inputs[0], pass.outputGradient!)
        let channels = windows.channels
        let partial = unsafe workspace.partial(shard: shard, count: weight.count + channels)
        unsafe partial.update(repeating: 0, count: weight.count + channels)
        let dx = pass.inputGradients[0]
        if let dx = dx, !dx.accumulates {
            unsafe (dx.base + pictures.lowerBound * windows.pictureCount)
                .update(repeating: 0, count: pictures.count * windows.pictureCount)
        }
        let height = windows.outputHeight
        for row in pictures.lowerBound * height..<pictures.upperBound * height {
            let first = unsafe dy + row * windows.outputWidth * channels
            forEachTap(row: row) { position, input, tap in
                let gradient = unsafe first + position * channels
                let source = unsafe x + input * channels
                let filterGradient = unsafe partial + tap * channels
                for c in 0..<channels { unsafe filterGradient[c] += gradient[c] * source[c] }
                guard let dx = dx else { return }
                let target = unsafe dx.base + input * channels
                let filter = unsafe turned.base + tap * channels
                for c in 0..<channels { unsafe target[c] += gradient[c] * filter[c] }
            }
            let biasGradient = unsafe partial + weight.count
            for position in 0..<windows.outputWidth {
                let gradient = unsafe first + position * channels
                for c in 0..<channels { unsafe biasGradient[c] += gradient[c] }
            }
        }
    }

    /// Calls `body` for each product of one output row: the output position in the row, the
    /// input position in the batch, and the filter's entry.
    @inline(__always)
    private func forEachTap(row: Int, _ body: (_ position: Int, _ input: Int, _ tap: Int) -> Void) {
        let picture = row / windows.outputHeight * windows.height
        let firstRow = row % windows.outputHeight * windows.stride - windows.top
        for position in 0..<windows.outputWidth {
            let firstColumn = position * windows.stride - windows.left
            for ky in 0..<windows.kernelHeight {
                let y = firstRow + ky
                guard y >= 0, y < windows.height else { continue }
                for kx in 0..<windows.kernelWidth {
                    let column = firstColumn + kx
                    guard column >= 0, column < windows.width else { continue }
                    body(
                        position, (picture + y) * windows.width + column,
                        ky * windows.kernelWidth + kx)
                }
            }
        }
    }

    /// `[C, kH, kW]` → `[kH, kW, C]`.
    private func turnFilters() {
        let taps = windows.depth
        for c in 0..<windows.channels {
            for tap in 0..<taps {
                unsafe turned.base[tap * windows.channels + c] = weight.value.base[c * taps + tap]
            }
        }
    }
}
