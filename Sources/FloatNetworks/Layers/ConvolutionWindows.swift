import LinearAlgebra
import Model
import Tensors

/// The windows of a convolution: which inputs meet which filter entry at each output position.
///
/// A *tile* is a run of whole output rows, counted through all pictures of a batch; its windows
/// are copied out one to a row ("im2col") so that the convolution becomes a matrix product.
struct ConvolutionWindows {
    let height, width, channels: Int
    let outputHeight, outputWidth, outputs: Int
    let kernelHeight, kernelWidth, stride, groups: Int
    let top, left: Int

    init(_ convolution: Convolution, input: Shape, output: Shape) {
        (height, width, channels) = (input[0], input[1], input[2])
        (outputHeight, outputWidth, outputs) = (output[0], output[1], output[2])
        (kernelHeight, kernelWidth) = (convolution.kernelHeight, convolution.kernelWidth)
        (stride, groups) = (convolution.stride, convolution.groups)
        (top, left) = (convolution.padding.top, convolution.padding.left)
    }

    /// Input channels of one group.
    var groupChannels: Int { channels / groups }
    /// Output channels of one group.
    var groupOutputs: Int { outputs / groups }
    /// The number of weights of one filter, the length of a window.
    var depth: Int { kernelHeight * kernelWidth * groupChannels }
    /// Elements of one picture.
    var pictureCount: Int { height * width * channels }
    /// Whether the windows are the input itself, so that no copy is needed.
    var isPointwise: Bool {
        kernelHeight == 1 && kernelWidth == 1 && stride == 1 && groups == 1
            && outputHeight == height && outputWidth == width && top == 0 && left == 0
    }

    /// How many output rows make a tile: few enough that the windows stay in the cache, enough
    /// positions for an efficient matrix product.
    var tileRows: Int {
        let floats = max(1 << 18, 384 * depth)
        return max(1, floats / (outputWidth * depth))
    }

    /// How many output rows make a tile for `FloatLoops`: windows and outputs that stay in the
    /// second-level cache while the weights, which are not packed anew, pass by.
    var packedTileRows: Int {
        max(1, max(1 << 15, 192 * depth) / (outputWidth * depth))
    }

    /// Copies the windows of one group and some output rows out of `x`, one to a row.
    ///
    /// - Parameters:
    ///   - x: The batch, `[n, H, W, C]`.
    ///   - rows: Output rows, counted through all pictures.
    ///   - group: The group of channels.
    ///   - columns: `[rows × outputWidth, depth]`.
    @unsafe func gather(
        _ x: UnsafePointer<Float>, rows: Range<Int>, group: Int,
        into columns: UnsafeMutablePointer<Float>
    ) {
        var target = unsafe columns
        let width = groupChannels
        for row in rows {
            let picture = unsafe x + row / outputHeight * pictureCount + group * width
            let firstRow = row % outputHeight * stride - top
            for column in 0..<outputWidth {
                let first = column * stride - left
                let inside = clamp(first, kernelWidth, self.width)
                for ky in 0..<kernelHeight {
                    let y = firstRow + ky
                    guard y >= 0, y < height, !inside.isEmpty else {
                        unsafe target.update(repeating: 0, count: kernelWidth * width)
                        unsafe target += kernelWidth * width
                        continue
                    }
                    let before = inside.lowerBound * width
                    let after = (kernelWidth - inside.upperBound) * width
                    let run = inside.count * width
                    let start = (y * self.width + first + inside.lowerBound) * channels
                    if before > 0 { unsafe target.update(repeating: 0, count: before) }
                    unsafe target += before
                    if groups == 1 {
                        unsafe copyRun(picture + start, to: target, count: run)
                        unsafe target += run
                    } else {
                        for position in 0..<inside.count {
                            unsafe copyRun(
                                picture + start + position * channels, to: target, count: width)
                            unsafe target += width
                        }
                    }
                    if after > 0 { unsafe target.update(repeating: 0, count: after) }
                    unsafe target += after
                }
            }
        }
    }

    /// Adds the gradients of windows to the inputs they were copied from, the reverse of `gather`.
    @unsafe func scatterAdd(
        _ columns: UnsafePointer<Float>, rows: Range<Int>, group: Int,
        to x: UnsafeMutablePointer<Float>
    ) {
        var source = unsafe columns
        let width = groupChannels
        for row in rows {
            let picture = unsafe x + row / outputHeight * pictureCount + group * width
            let firstRow = row % outputHeight * stride - top
            for column in 0..<outputWidth {
                let first = column * stride - left
                let inside = clamp(first, kernelWidth, self.width)
                for ky in 0..<kernelHeight {
                    let y = firstRow + ky
                    defer { unsafe source += kernelWidth * width }
                    guard y >= 0, y < height, !inside.isEmpty else { continue }
                    let start = (y * self.width + first + inside.lowerBound) * channels
                    let run = unsafe source + inside.lowerBound * width
                    if groups == 1 {
                        let target = unsafe picture + start
                        for i in 0..<(inside.count * width) { unsafe target[i] += run[i] }
                    } else {
                        for position in 0..<inside.count {
                            let target = unsafe picture + start + position * channels
                            let part = unsafe run + position * width
                            for i in 0..<width { unsafe target[i] += part[i] }
                        }
                    }
                }
            }
        }
    }

    /// The entries of a window beginning at `first` that lie inside `0..<extent`.
    @inline(__always)
    private func clamp(_ first: Int, _ window: Int, _ extent: Int) -> Range<Int> {
        let lower = max(0, -first)
        return lower..<max(lower, min(window, extent - first))
    }

    /// A copy that makes no call where the run is a few numbers only, as in the first layer.
    @inline(__always)
    @unsafe private func copyRun(
        _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int
    ) {
        if count < 16 {
            for i in 0..<count { unsafe target[i] = source[i] }
        } else {
            unsafe target.update(from: source, count: count)
        }
    }
}
