import LinearAlgebra
import Model

/// A convolution of 3×3 or 5×5 filters and stride 1 by Winograd's algorithm.
///
/// Tiles of inputs and filters are transformed to 6×6 places; at each place the convolution is a
/// product over channels alone: forward `M = V · Uᵀ`, backward `dU = dMᵀ · V` and `dV = dM · U`,
/// with V `[36, tiles, C]`, U `[36, K, C]` and M `[36, tiles, K]`. That takes a quarter of the
/// products of a 3×3 convolution, and writes 2¼ numbers for an input where windows would be 9.
final class WinogradLayer: FloatLayer {
    private static let places = WinogradTransform.side * WinogradTransform.side
    private let windows: ConvolutionWindows
    private let transform: WinogradTransform
    private let weight: Parameter
    private let ending: ConvolutionEpilogue
    private let workspace: Workspace
    private let tilesDown, tilesAcross: Int
    private let factors: [Float]
    /// The transformed filters, U, and the state of the weights that they were made of.
    private var filters = Buffer<Float>()
    private var filtersAreOf: Int?
    /// The same, a matrix a place, for our own loops; nil where OpenBLAS makes the products.
    private let packed: PackedWeights?
    private var packedAreOf: Int?

    /// Whether a convolution has the form, and enough channels for products of some size.
    static func suits(_ windows: ConvolutionWindows) -> Bool {
        windows.kernelHeight == windows.kernelWidth
            && (windows.kernelHeight == 3 || windows.kernelHeight == 5)
            && windows.stride == 1 && windows.groups == 1
            && windows.channels >= 16 && windows.outputs >= 16
            && windows.channels.isMultiple(of: 8) && windows.outputs.isMultiple(of: 8)
    }

    init(
        _ windows: ConvolutionWindows, weight: Parameter, ending: ConvolutionEpilogue,
        workspace: Workspace, loops: FloatLoops?
    ) {
        precondition(Self.suits(windows), "\(windows) is not for Winograd's algorithm")
        (self.windows, self.weight, self.ending) = (windows, weight, ending)
        self.workspace = workspace
        transform = WinogradTransform(filter: windows.kernelHeight)
        tilesDown = (windows.outputHeight + transform.outputs - 1) / transform.outputs
        tilesAcross = (windows.outputWidth + transform.outputs - 1) / transform.outputs
        factors = transform.filterFactors
        packed = loops.map {
            PackedWeights($0, outputs: windows.outputs, inputs: windows.channels)
        }
    }

    var parameters: [Parameter] { [weight] + (ending.bias.map { [$0] } ?? []) }
    var needsInputs: Bool { true }

    func forward(_ pass: LayerPass) {
        ending.update()
        if packed == nil { transformFilters(pass.team) } else { packFilters(pass) }
        let x = unsafe pass.inputs[0]
        pass.team.forEachShare(of: pass.count * tilesDown) { shard, rows in
            forEachBlock(of: rows) { rows in
                let v = unsafe workspace.columns(shard: shard, count: elements(rows, inputs))
                unsafe gather(x, rows, to: v)
                let m = unsafe workspace.columnGradients(
                    shard: shard, count: elements(rows, outputs))
                let tiles = rows.count * tilesAcross
                for place in 0..<Self.places {
                    let v = unsafe v + place * tiles * inputs
                    let m = unsafe m + place * tiles * outputs
                    if let packed {
                        unsafe packed.multiply(
                            v, rows: tiles, index: place, to: m, PackedWeights.noEnding)
                        continue
                    }
                    unsafe BLAS.gemm(
                        transposeA: false, transposeB: true, m: tiles, n: outputs, k: inputs,
                        alpha: 1, a: v, lda: inputs,
                        b: filters.base + place * outputs * inputs, ldb: inputs, beta: 0,
                        c: m, ldc: outputs)
                }
                unsafe scatter(m, rows, to: pass.output)
                let first = outputRow(rows.lowerBound)
                unsafe ending.finish(
                    pass.output + first * windows.outputWidth * outputs,
                    rows: (outputRow(rows.upperBound) - first) * windows.outputWidth,
                    channels: outputs)
            }
        }
    }

    func backward(_ pass: LayerPass) {
        transformFilters(pass.team)
        pass.team.forEachShare(of: pass.count) { shard, pictures in
            let count = Self.places * outputs * inputs
            let partial = unsafe workspace.partial(shard: shard, count: count + outputs)
            unsafe partial.update(repeating: 0, count: count)
            if let target = pass.inputGradients[0], !target.accumulates {
                unsafe (target.base + pictures.lowerBound * windows.pictureCount)
                    .update(repeating: 0, count: pictures.count * windows.pictureCount)
            }
            let rows = pictures.lowerBound * tilesDown..<pictures.upperBound * tilesDown
            forEachBlock(of: rows) { rows in
                unsafe backward(pass, rows, to: partial, shard: shard)
            }
            if ending.bias != nil {
                let height = windows.outputHeight
                unsafe RowLoops.columnSums(
                    pass.outputGradient! + pictures.lowerBound * height * windows.outputWidth
                        * outputs,
                    rows: pictures.count * height * windows.outputWidth, channels: outputs,
                    into: partial + count)
            }
        }
        let parts = workspace.partials(pass.team.shards(of: pass.count))
        addFilterGradient(parts, pass.team)
        ending.bias?.addGradient(
            parts: parts, offset: Self.places * outputs * inputs, team: pass.team)
    }

    @unsafe private func backward(
        _ pass: LayerPass, _ rows: Range<Int>, to partial: UnsafeMutablePointer<Float>, shard: Int
    ) {
        let tiles = rows.count * tilesAcross
        let v = unsafe workspace.columns(shard: shard, count: elements(rows, inputs))
        unsafe gather(pass.inputs[0], rows, to: v)
        let m = unsafe workspace.columnGradients(shard: shard, count: elements(rows, outputs))
        unsafe gatherGradients(pass.outputGradient!, rows, to: m)
        for place in 0..<Self.places {
            let m = unsafe m + place * tiles * outputs
            let v = unsafe v + place * tiles * inputs
            unsafe BLAS.gemm(
                transposeA: true, transposeB: false, m: outputs, n: inputs, k: tiles, alpha: 1,
                a: m, lda: outputs, b: v, ldb: inputs, beta: 1,
                c: partial + place * outputs * inputs, ldc: inputs)
            guard pass.inputGradients[0] != nil else { continue }
            // What V held is used up.
            unsafe BLAS.gemm(
                transposeA: false, transposeB: false, m: tiles, n: inputs, k: outputs, alpha: 1,
                a: m, lda: outputs, b: filters.base + place * outputs * inputs, ldb: inputs,
                beta: 0, c: v, ldc: inputs)
        }
        if let target = pass.inputGradients[0] {
            unsafe scatterGradients(v, rows, to: target.base)
        }
    }
}

// MARK: - Tiles

extension WinogradLayer {
    private var inputs: Int { windows.channels }
    private var outputs: Int { windows.outputs }

    private func elements(_ rows: Range<Int>, _ channels: Int) -> Int {
        Self.places * rows.count * tilesAcross * channels
    }

    /// The first output row of a row of tiles, both counted through all pictures.
    private func outputRow(_ row: Int) -> Int {
        row / tilesDown * windows.outputHeight + row % tilesDown * transform.outputs
    }

    /// Runs of rows of tiles: enough tiles for efficient products, few enough that V and M stay in
    /// the cache.
    private func forEachBlock(of rows: Range<Int>, _ body: (Range<Int>) -> Void) {
        let tiles = max(96, min(512, (1 << 20) / (Self.places * (inputs + outputs))))
        let step = max(1, (tiles + tilesAcross - 1) / tilesAcross)
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
            body(start..<min(start + step, rows.upperBound))
        }
    }

    /// A tile of outputs, or of the inputs that these are made of, as far as it lies in the map.
    private struct Tile {
        /// Where the channels of its first position begin, which may be beyond the map.
        let offset: Int
        /// Its lines that are in the map.
        let lines: Range<Int>
        /// The positions of a line that are in the map.
        let places: Range<Int>
    }

    /// Calls `body` with the number of each tile of some rows, its picture, and where its outputs
    /// begin.
    private func forEachTile(
        of rows: Range<Int>, _ body: (_ tile: Int, _ picture: Int, _ y: Int, _ x: Int) -> Void
    ) {
        var tile = 0
        for row in rows {
            let (picture, y) = (row / tilesDown, row % tilesDown * transform.outputs)
            for across in 0..<tilesAcross {
                body(tile, picture, y, across * transform.outputs)
                tile += 1
            }
        }
    }

    /// Calls `body` with each tile of inputs and its number.
    private func forEachInputTile(of rows: Range<Int>, _ body: (Int, Tile) -> Void) {
        let (height, width) = (windows.height, windows.width)
        forEachTile(of: rows) { number, picture, y, x in
            let (top, left) = (y - windows.top, x - windows.left)
            body(
                number,
                Tile(
                    offset: ((picture * height + top) * width + left) * inputs,
                    lines: Self.inside(top, WinogradTransform.side, of: height),
                    places: Self.inside(left, WinogradTransform.side, of: width)))
        }
    }

    /// Calls `body` with each tile of outputs and its number.
    private func forEachOutputTile(of rows: Range<Int>, _ body: (Int, Tile) -> Void) {
        let (height, width) = (windows.outputHeight, windows.outputWidth)
        forEachTile(of: rows) { number, picture, y, x in
            body(
                number,
                Tile(
                    offset: ((picture * height + y) * width + x) * outputs,
                    lines: Self.inside(y, transform.outputs, of: height),
                    places: Self.inside(x, transform.outputs, of: width)))
        }
    }

    /// Which of `count` positions from `first` on are among `extent`.
    private static func inside(_ first: Int, _ count: Int, of extent: Int) -> Range<Int> {
        let lower = max(0, -first)
        return lower..<max(lower, min(count, extent - first))
    }

    /// `V ← Bᵀ·d·B` of each tile of inputs; beyond the map they are zero.
    @unsafe private func gather(
        _ x: UnsafePointer<Float>, _ rows: Range<Int>, to v: UnsafeMutablePointer<Float>
    ) {
        let plane = rows.count * tilesAcross * inputs
        let side = WinogradTransform.side
        unsafe withUnsafeTemporaryAllocation(of: Lanes.self, capacity: Self.places) { scratch in
            let scratch = scratch.baseAddress!
            forEachInputTile(of: rows) { number, tile in
                let isInside = tile.places.count == side
                for c in stride(from: 0, to: inputs, by: 8) {
                    for i in 0..<side {
                        let target = unsafe scratch + i * side
                        guard tile.lines.contains(i) else {
                            unsafe target.update(repeating: .zero, count: side)
                            continue
                        }
                        let source = unsafe x + tile.offset + i * windows.width * inputs + c
                        func at(_ j: Int) -> Lanes {
                            isInside || tile.places.contains(j)
                                ? unsafe Lanes(source + j * inputs, count: 8) : .zero
                        }
                        unsafe store(
                            WinogradTransform.input((at(0), at(1), at(2), at(3), at(4), at(5))),
                            to: target)
                    }
                    let target = unsafe v + number * inputs + c
                    for j in 0..<side {
                        let t = unsafe WinogradTransform.input(loaded(scratch + j, step: side))
                        unsafe spread(t, to: target + j * plane, step: side * plane)
                    }
                }
            }
        }
    }

    /// `Y ← Aᵀ·m·A` of each tile, as far as it lies in the map.
    @unsafe private func scatter(
        _ m: UnsafePointer<Float>, _ rows: Range<Int>, to y: UnsafeMutablePointer<Float>
    ) {
        let plane = rows.count * tilesAcross * outputs
        let side = WinogradTransform.side
        unsafe withUnsafeTemporaryAllocation(of: Lanes.self, capacity: Self.places) { scratch in
            let scratch = scratch.baseAddress!
            forEachOutputTile(of: rows) { number, tile in
                for c in stride(from: 0, to: outputs, by: 8) {
                    let source = unsafe m + number * outputs + c
                    for j in 0..<side {
                        let t = unsafe transform.output(
                            gathered(source + j * plane, step: side * plane))
                        unsafe scratch[j] = t.0
                        unsafe scratch[side + j] = t.1
                        unsafe scratch[2 * side + j] = t.2
                        unsafe scratch[3 * side + j] = t.3
                    }
                    for i in tile.lines {
                        let t = unsafe transform.output(loaded(scratch + i * side))
                        let target = unsafe y + tile.offset + i * windows.outputWidth * outputs + c
                        let wide = tile.places.count
                        unsafe t.0.store(to: target, count: 8)
                        if wide > 1 { unsafe t.1.store(to: target + outputs, count: 8) }
                        if wide > 2 { unsafe t.2.store(to: target + 2 * outputs, count: 8) }
                        if wide > 3 { unsafe t.3.store(to: target + 3 * outputs, count: 8) }
                    }
                }
            }
        }
    }

    /// `dM ← A·dY·Aᵀ` of each tile; beyond the map nothing depends on it.
    @unsafe private func gatherGradients(
        _ gradient: UnsafePointer<Float>, _ rows: Range<Int>, to m: UnsafeMutablePointer<Float>
    ) {
        let plane = rows.count * tilesAcross * outputs
        let side = WinogradTransform.side
        unsafe withUnsafeTemporaryAllocation(of: Lanes.self, capacity: Self.places) { scratch in
            let scratch = scratch.baseAddress!
            forEachOutputTile(of: rows) { number, tile in
                for c in stride(from: 0, to: outputs, by: 8) {
                    for i in 0..<transform.outputs {
                        let line = tile.offset + i * windows.outputWidth * outputs
                        let source = unsafe gradient + line + c
                        func at(_ j: Int) -> Lanes {
                            tile.lines.contains(i) && tile.places.contains(j)
                                ? unsafe Lanes(source + j * outputs, count: 8) : .zero
                        }
                        unsafe store(
                            transform.outputGradient((at(0), at(1), at(2), at(3))),
                            to: scratch + i * side)
                    }
                    let target = unsafe m + number * outputs + c
                    for j in 0..<side {
                        let isFour = transform.outputs == 4
                        let y = unsafe (
                            scratch[j], scratch[side + j], isFour ? scratch[2 * side + j] : .zero,
                            isFour ? scratch[3 * side + j] : .zero
                        )
                        unsafe spread(
                            transform.outputGradient(y), to: target + j * plane, step: side * plane)
                    }
                }
            }
        }
    }

    /// `dX ← dX + B·dV·Bᵀ` of each tile; neighbouring tiles share inputs.
    @unsafe private func scatterGradients(
        _ v: UnsafePointer<Float>, _ rows: Range<Int>, to x: UnsafeMutablePointer<Float>
    ) {
        let plane = rows.count * tilesAcross * inputs
        let side = WinogradTransform.side
        unsafe withUnsafeTemporaryAllocation(of: Lanes.self, capacity: Self.places) { scratch in
            let scratch = scratch.baseAddress!
            forEachInputTile(of: rows) { number, tile in
                for c in stride(from: 0, to: inputs, by: 8) {
                    let source = unsafe v + number * inputs + c
                    for j in 0..<side {
                        let t = unsafe WinogradTransform.inputGradient(
                            gathered(source + j * plane, step: side * plane))
                        unsafe store(t, to: scratch + j, step: side)
                    }
                    for i in tile.lines {
                        let t = unsafe WinogradTransform.inputGradient(loaded(scratch + i * side))
                        unsafe store(t, to: scratch + i * side)
                        let target = unsafe x + tile.offset + i * windows.width * inputs + c
                        for j in tile.places {
                            let sum =
                                unsafe Lanes(target + j * inputs, count: 8)
                                + scratch[i * side + j]
                            unsafe sum.store(to: target + j * inputs, count: 8)
                        }
                    }
                }
            }
        }
    }

    // MARK: Six at a time

    @inline(__always)
    @unsafe private func loaded(
        _ scratch: UnsafePointer<Lanes>, step: Int = 1
    ) -> WinogradTransform.Six {
        unsafe (
            scratch[0], scratch[step], scratch[2 * step], scratch[3 * step], scratch[4 * step],
            scratch[5 * step]
        )
    }

    @inline(__always)
    @unsafe private func store(
        _ six: WinogradTransform.Six, to scratch: UnsafeMutablePointer<Lanes>, step: Int = 1
    ) {
        unsafe scratch[0] = six.0
        unsafe scratch[step] = six.1
        unsafe scratch[2 * step] = six.2
        unsafe scratch[3 * step] = six.3
        unsafe scratch[4 * step] = six.4
        unsafe scratch[5 * step] = six.5
    }

    @inline(__always)
    @unsafe private func spread(
        _ six: WinogradTransform.Six, to target: UnsafeMutablePointer<Float>, step: Int
    ) {
        unsafe six.0.store(to: target, count: 8)
        unsafe six.1.store(to: target + step, count: 8)
        unsafe six.2.store(to: target + 2 * step, count: 8)
        unsafe six.3.store(to: target + 3 * step, count: 8)
        unsafe six.4.store(to: target + 4 * step, count: 8)
        unsafe six.5.store(to: target + 5 * step, count: 8)
    }

    @inline(__always)
    @unsafe private func gathered(
        _ source: UnsafePointer<Float>, step: Int
    ) -> WinogradTransform.Six {
        unsafe (
            Lanes(source, count: 8), Lanes(source + step, count: 8),
            Lanes(source + 2 * step, count: 8), Lanes(source + 3 * step, count: 8),
            Lanes(source + 4 * step, count: 8), Lanes(source + 5 * step, count: 8)
        )
    }
}

// MARK: - Filters

extension WinogradLayer {
    private var taps: Int { transform.filter * transform.filter }

    /// `U ← G·g·Gᵀ`, where the weights have changed.
    private func transformFilters(_ team: ThreadTeam) {
        guard filtersAreOf != weight.generation else { return }
        filtersAreOf = weight.generation
        filters.reserve(Self.places * outputs * inputs)
        let taps = taps
        team.forEachShare(of: outputs) { _, range in
            for output in range {
                for c in stride(from: 0, to: inputs, by: 8) {
                    let g = unsafe weight.value.base + output * taps * inputs + c
                    let u = unsafe filters.base + output * inputs + c
                    for place in 0..<Self.places {
                        var sum = Lanes.zero
                        for tap in 0..<taps {
                            sum +=
                                unsafe factors[place * taps + tap]
                                * Lanes(g + tap * inputs, count: 8)
                        }
                        unsafe sum.store(to: u + place * outputs * inputs, count: 8)
                    }
                }
            }
        }
    }

    /// Packs the filters where they have changed; evaluation needs no others.
    private func packFilters(_ pass: LayerPass) {
        guard let packed, packedAreOf != weight.generation else { return }
        packedAreOf = weight.generation
        transformFilters(pass.team)
        packed.reserve(Self.places)
        pass.team.forEachShare(of: Self.places) { _, places in
            for place in places {
                unsafe packed.pack(filters.base + place * outputs * inputs, index: place)
            }
        }
        if !pass.isTraining { (filters, filtersAreOf) = (Buffer(), nil) }
    }

    /// Adds `Gᵀ·dU·G` of the parts' sum to the weights' gradient.
    private func addFilterGradient(_ parts: [Buffer<Float>], _ team: ThreadTeam) {
        weight.gradient.reserve(weight.count)
        let (taps, isFresh) = (taps, weight.gradientIsFresh)
        weight.gradientIsFresh = false
        team.forEachShare(of: outputs) { _, range in
            unsafe withUnsafeTemporaryAllocation(of: Lanes.self, capacity: Self.places) { places in
                let places = places.baseAddress!
                for output in range {
                    for c in stride(from: 0, to: inputs, by: 8) {
                        for place in 0..<Self.places {
                            let offset = (place * outputs + output) * inputs + c
                            unsafe places[place] = parts.reduce(.zero) { sum, part in
                                unsafe sum + Lanes(part.base + offset, count: 8)
                            }
                        }
                        let g = unsafe weight.gradient.base + output * taps * inputs + c
                        for tap in 0..<taps {
                            let target = unsafe g + tap * inputs
                            var sum = unsafe isFresh ? .zero : Lanes(target, count: 8)
                            for place in 0..<Self.places {
                                sum += unsafe factors[place * taps + tap] * places[place]
                            }
                            unsafe sum.store(to: target, count: 8)
                        }
                    }
                }
            }
        }
    }
}
