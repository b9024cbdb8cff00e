/// The extents of a convolution on one picture.
package struct ConvolutionGeometry: Sendable, Equatable {
    /// The input's rows, columns and channels.
    package var height, width, channels: Int
    /// The number of filters.
    package var outputs: Int
    /// The filters' rows and columns.
    package var kernelHeight, kernelWidth: Int
    /// The step between windows.
    package var stride: Int
    /// Positions around the input that count as zero.
    package var top, left, bottom, right: Int
    /// The number of groups, a divisor of `channels` and `outputs`.
    package var groups: Int

    /// A convolution of a `height` × `width` × `channels` map.
    package init(
        height: Int, width: Int, channels: Int, outputs: Int, kernelHeight: Int,
        kernelWidth: Int, stride: Int = 1,
        padding: (top: Int, left: Int, bottom: Int, right: Int) = (0, 0, 0, 0), groups: Int = 1
    ) {
        (self.height, self.width, self.channels) = (height, width, channels)
        (self.outputs, self.groups, self.stride) = (outputs, groups, stride)
        (self.kernelHeight, self.kernelWidth) = (kernelHeight, kernelWidth)
        (top, left, bottom, right) = padding
    }

    /// The output's rows.
    package var outputHeight: Int { (height + top + bottom - kernelHeight) / stride + 1 }
    /// The output's columns.
    package var outputWidth: Int { (width + left + right - kernelWidth) / stride + 1 }
    /// The output's positions.
    package var positions: Int { outputHeight * outputWidth }
    /// The weights of all filters.
    package var weights: Int { outputs * kernelHeight * kernelWidth * channels / groups }

    /// Whether every channel has one filter of its own.
    var isDepthwise: Bool { groups > 1 && groups == channels && groups == outputs }

    var isPadded: Bool { top + left + bottom + right > 0 }

    /// Whether a whole row of the window is one run of bytes, instead of one run a position.
    ///
    /// Kernels take four channels at a time, so on a map of 1, 2 or 3 channels most of a run a
    /// position would be lost; a row of an 11×11 window on 2 channels fills 22 of 24 bytes.
    /// Where several positions can be computed together, it is worth as much.
    var gathersRows: Bool {
        func quads(_ bytes: Int) -> Int { (bytes + 3) / 4 }
        guard groups == 1, channels < 16 else { return false }
        let (row, positions) = (quads(kernelWidth * channels), kernelWidth * quads(channels))
        return row < positions || row == positions && sideBySide > 1
    }

    /// How many positions side by side are computed as if they were the outputs of one.
    ///
    /// A tile is sixteen outputs wide, of which few filters would fill little: two filters of 3×3,
    /// as the Sobel front end has them, are sixteen of 3×10 for eight positions.
    var positionsTogether: Int { gathersRows ? sideBySide : 1 }

    private var sideBySide: Int {
        guard stride == 1 else { return 1 }
        return [8, 4, 2].first { $0 * outputs <= 16 && outputWidth % $0 == 0 } ?? 1
    }

    /// The size in bytes of the padded copy of the input that whole rows are gathered from, or
    /// `nil` where none is needed.
    package var paddedCopyCount: Int? {
        gathersRows && isPadded ? paddedHeight * paddedWidth * channels : nil
    }

    /// The rows of the padded copy.
    package var paddedHeight: Int { height + top + bottom }
    var paddedWidth: Int { width + left + right }

    var taps: Int { gathersRows ? kernelHeight : kernelHeight * kernelWidth }
    /// The bytes of one run.
    var depth: Int {
        gathersRows ? (kernelWidth + positionsTogether - 1) * channels : channels / groups
    }

    /// The bytes of the table of offsets, by which a plan that no memory holds is refused.
    package var tableByteCount: Int { taps * positions * MemoryLayout<Int32>.size }

    /// Where each run of each output position begins, `[taps][positions / positionsTogether]`,
    /// counted from the picture's first byte; what lies outside the map begins at its margin, right after it.
    func offsets() -> AlignedMemory<Int32> {
        let together = positionsTogether
        let (rowLength, count) = (outputWidth / together, positions / together)
        let offsets = AlignedMemory<Int32>(count: taps * count)
        let copied = paddedCopyCount != nil
        let (width, height) = copied ? (paddedWidth, paddedHeight) : (width, height)
        let (top, left) = copied ? (0, 0) : (top, left)
        let columns = gathersRows ? 1 : kernelWidth
        for tap in 0..<taps {
            for position in 0..<count {
                let y = position / rowLength * stride + tap / columns - top
                let x = position % rowLength * together * stride + tap % columns - left
                let isInside = y >= 0 && y < height && x >= 0 && x < width
                let offset = (isInside ? y * width + x : width * height) * channels
                offsets[tap * count + position] = Int32(offset)
            }
        }
        return offsets
    }
}
