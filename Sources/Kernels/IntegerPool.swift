internal import CKernels

/// The extents of a pooling layer on one picture.
package struct PoolGeometry: Sendable, Equatable {
    /// The input's rows, columns and channels.
    package var height, width, channels: Int
    /// The window's rows and columns.
    package var kernelHeight, kernelWidth: Int
    /// The step between windows.
    package var stride: Int
    /// Padding around the input.
    package var top, left, bottom, right: Int

    /// Windows on a `height` × `width` × `channels` map.
    package init(
        height: Int, width: Int, channels: Int, kernelHeight: Int, kernelWidth: Int,
        stride: Int = 1, padding: (top: Int, left: Int, bottom: Int, right: Int) = (0, 0, 0, 0)
    ) {
        (self.height, self.width, self.channels) = (height, width, channels)
        (self.kernelHeight, self.kernelWidth, self.stride) = (kernelHeight, kernelWidth, stride)
        (top, left, bottom, right) = padding
    }

    /// One window over the whole map.
    package static func global(height: Int, width: Int, channels: Int) -> PoolGeometry {
        PoolGeometry(
            height: height, width: width, channels: channels, kernelHeight: height,
            kernelWidth: width)
    }

    /// The output's rows.
    package var outputHeight: Int { (height + top + bottom - kernelHeight) / stride + 1 }
    /// The output's columns.
    package var outputWidth: Int { (width + left + right - kernelWidth) / stride + 1 }

    /// The positions of the map under the window of an output position.
    func covered(_ oy: Int, _ ox: Int) -> Int {
        func extent(_ start: Int, _ kernel: Int, _ size: Int) -> Int {
            min(start + kernel, size) - max(start, 0)
        }
        return extent(oy * stride - top, kernelHeight, height)
            * extent(ox * stride - left, kernelWidth, width)
    }
}

/// A maximum or an average over windows.
@safe package struct IntegerPool: Sendable {
    /// The extents.
    package let geometry: PoolGeometry
    private let average: Average?
    private let table: KernelTable

    private struct Average: Sendable {
        var multipliers: AlignedMemory<Float>  // by output position
        var inputZeroPoint: Int
        var format: ActivationFormat
    }

    /// The maximum over the window's positions inside the map; the output is read as the input.
    package init(maximum geometry: PoolGeometry, using table: KernelTable) {
        (self.geometry, self.table, average) = (geometry, table, nil)
    }

    /// The average, `Σ(x − zx) · sx / (n · sy)` requantized, where `n` is the window's size or,
    /// unless padding counts, the number of its positions inside the map.
    package init(
        average geometry: PoolGeometry, countsPadding: Bool, input: ActivationFormat,
        output: ActivationFormat, using table: KernelTable
    ) {
        let columns = geometry.outputWidth
        let multipliers = (0..<geometry.outputHeight * columns).map { position in
            let n =
                countsPadding
                ? geometry.kernelHeight * geometry.kernelWidth
                : geometry.covered(position / columns, position % columns)
            return Float(Double(input.scale) / (Double(n) * Double(output.scale)))
        }
        self.geometry = geometry
        self.table = table.bearing(255 * Double(input.scale) / Double(output.scale))
        average = Average(
            multipliers: AlignedMemory(multipliers), inputZeroPoint: input.zeroPoint,
            format: output)
    }

    /// The bytes taken by tables.
    package var byteCount: Int { average?.multipliers.byteCount ?? 0 }

    /// Computes some rows of the output map for one picture.
    package func run(
        in arena: Arena, from input: ActivationSlot, to output: ActivationSlot, picture: Int,
        rows: Range<Int>
    ) {
        let g = geometry
        precondition(
            input.count == g.height * g.width * g.channels
                && output.count == g.outputHeight * g.outputWidth * g.channels
                && rows.upperBound <= g.outputHeight,
            "rows \(rows) from \(input) to \(output) for \(g)")
        var pool = unsafe ck_pool(
            in: arena.start(of: input, picture: picture), height: g.height, width: g.width,
            channels: g.channels, kernel_height: g.kernelHeight, kernel_width: g.kernelWidth,
            stride: g.stride, top: g.top, left: g.left, out_width: g.outputWidth,
            out: arena.start(of: output, picture: picture),
            multipliers: average?.multipliers.base,
            in_zero_point: Int32(average?.inputZeroPoint ?? 0),
            requantization: average?.format.requantization ?? ck_requantization())
        unsafe withUnsafePointer(to: &pool) {
            let kernel = unsafe average == nil ? table.maxPool : table.averagePool
            unsafe kernel($0, rows.lowerBound, rows.count)
        }
    }
}
