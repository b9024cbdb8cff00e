import Model
import Tensors

/// The maximum over the positions of each window that lie inside the map; of equal ones, the
/// first in reading order takes the gradient.
final class MaxPoolLayer: FloatLayer {
    private let height, width, channels, outputHeight, outputWidth: Int
    private let pooling: Pooling
    /// Where in its picture each output came from.
    private let origin = Buffer<Int32>()

    init(_ pooling: Pooling, input: Shape, output: Shape) {
        (height, width, channels) = (input[0], input[1], input[2])
        (outputHeight, outputWidth) = (output[0], output[1])
        self.pooling = pooling
        precondition(input.count <= Int(Int32.max), "a map of \(input) is too large to pool")
    }

    func forward(_ pass: LayerPass) {
        let rowCount = outputWidth * channels
        if pass.isTraining { origin.reserve(pass.count * outputHeight * rowCount) }
        pass.team.forEachShare(of: pass.count * outputHeight) { _, rows in
            for row in rows {
                let x = unsafe pass.inputs[0] + row / outputHeight * height * width * channels
                let y = unsafe pass.output + row * rowCount
                let top = row % outputHeight * pooling.stride - pooling.padding.top
                let lines = max(0, top)..<min(height, top + pooling.kernel)
                for column in 0..<outputWidth {
                    let left = column * pooling.stride - pooling.padding.left
                    let places = max(0, left)..<min(width, left + pooling.kernel)
                    let target = unsafe y + column * channels
                    if pass.isTraining {
                        unsafe maximum(
                            x, lines, places, to: target,
                            origin: origin.base + row * rowCount + column * channels)
                    } else {
                        unsafe maximum(x, lines, places, to: target)
                    }
                }
            }
        }
    }

    @unsafe private func maximum(
        _ x: UnsafeMutablePointer<Float>, _ lines: Range<Int>, _ places: Range<Int>,
        to y: UnsafeMutablePointer<Float>
    ) {
        let first = (lines.lowerBound * width + places.lowerBound) * channels
        unsafe y.update(from: x + first, count: channels)
        for line in lines {
            for place in places {
                let source = unsafe x + (line * width + place) * channels
                for c in 0..<channels { unsafe y[c] = source[c] > y[c] ? source[c] : y[c] }
            }
        }
    }

    @unsafe private func maximum(
        _ x: UnsafeMutablePointer<Float>, _ lines: Range<Int>, _ places: Range<Int>,
        to y: UnsafeMutablePointer<Float>, origin: UnsafeMutablePointer<Int32>
    ) {
        let first = (lines.lowerBound * width + places.lowerBound) * channels
        unsafe y.update(from: x + first, count: channels)
        for c in 0..<channels { unsafe origin[c] = Int32(truncatingIfNeeded: first + c) }
        for line in lines {
            for place in places {
                let offset = (line * width + place) * channels
                let source = unsafe x + offset
                for c in 0..<channels {
                    let isLarger = unsafe source[c] > y[c]
                    unsafe origin[c] =
                        isLarger ? Int32(truncatingIfNeeded: offset &+ c) : origin[c]
                    unsafe y[c] = isLarger ? source[c] : y[c]
                }
            }
        }
    }

    func backward(_ pass: LayerPass) {
        guard let target = pass.inputGradients[0] else { return }
        let (inputCount, outputCount) = (
            height * width * channels, outputHeight * outputWidth * channels
        )
        pass.team.forEachShare(of: pass.count) { _, pictures in
            for picture in pictures {
                let dx = unsafe target.base + picture * inputCount
                let dy = unsafe pass.outputGradient! + picture * outputCount
                let origin = unsafe origin.base + picture * outputCount
                if !target.accumulates {
                    unsafe dx.update(repeating: 0, count: inputCount)
                }
                for i in 0..<outputCount { unsafe dx[Int(origin[i])] += dy[i] }
            }
        }
    }
}
