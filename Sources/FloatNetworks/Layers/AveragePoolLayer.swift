import Model
import Tensors

/// The mean over each window, or over the whole map.
final class AveragePoolLayer: FloatLayer {
    private let height, width, channels, outputHeight, outputWidth: Int
    private let kernelHeight, kernelWidth, stride, top, left: Int
    private let countsPadding: Bool

    /// Windows over a map.
    init(_ pooling: Pooling, input: Shape, output: Shape) {
        (height, width, channels) = (input[0], input[1], input[2])
        (outputHeight, outputWidth) = (output[0], output[1])
        (kernelHeight, kernelWidth, stride) = (pooling.kernel, pooling.kernel, pooling.stride)
        (top, left) = (pooling.padding.top, pooling.padding.left)
        countsPadding = pooling.countsPadding
    }

    /// One window, the whole map.
    init(global input: Shape) {
        (height, width, channels) = (input[0], input[1], input[2])
        (outputHeight, outputWidth) = (1, 1)
        (kernelHeight, kernelWidth, stride) = (height, width, 1)
        (top, left, countsPadding) = (0, 0, false)
    }

    func forward(_ pass: LayerPass) {
        pass.team.forEachShare(of: pass.count * outputHeight) { _, rows in
            for row in rows {
                let x = unsafe pass.inputs[0] + row / outputHeight * height * width * channels
                for column in 0..<outputWidth {
                    let window = window(row: row % outputHeight, column: column)
                    let y = unsafe pass.output + (row * outputWidth + column) * channels
                    unsafe y.update(repeating: 0, count: channels)
                    for line in window.lines {
                        for place in window.places {
                            let source = unsafe x + (line * width + place) * channels
                            for c in 0..<channels { unsafe y[c] += source[c] }
                        }
                    }
                    for c in 0..<channels { unsafe y[c] *= window.factor }
                }
            }
        }
    }

    func backward(_ pass: LayerPass) {
        guard let target = pass.inputGradients[0] else { return }
        let inputCount = height * width * channels
        pass.team.forEachShare(of: pass.count) { _, pictures in
            for picture in pictures {
                let dx = unsafe target.base + picture * inputCount
                let dy =
                    unsafe pass.outputGradient!
                    + picture * outputHeight * outputWidth * channels
                if !target.accumulates {
                    unsafe dx.update(repeating: 0, count: inputCount)
                }
                for row in 0..<outputHeight {
                    for column in 0..<outputWidth {
                        let gradient = unsafe dy + (row * outputWidth + column) * channels
                        unsafe spread(gradient, over: window(row: row, column: column), to: dx)
                    }
                }
            }
        }
    }

    @unsafe private func spread(
        _ gradient: UnsafeMutablePointer<Float>, over window: Window,
        to dx: UnsafeMutablePointer<Float>
    ) {
        for line in window.lines {
            for place in window.places {
                let target = unsafe dx + (line * width + place) * channels
                for c in 0..<channels { unsafe target[c] += gradient[c] * window.factor }
            }
        }
    }

    /// The part of a window inside the map, and one over the number it is divided by.
    private struct Window {
        let lines, places: Range<Int>
        let factor: Float
    }

    private func window(row: Int, column: Int) -> Window {
        let (y, x) = (row * stride - top, column * stride - left)
        let lines = max(0, y)..<min(height, y + kernelHeight)
        let places = max(0, x)..<min(width, x + kernelWidth)
        let count = countsPadding ? kernelHeight * kernelWidth : lines.count * places.count
        return Window(lines: lines, places: places, factor: 1 / Float(count))
    }
}
