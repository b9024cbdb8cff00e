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
        let rowSize = outputWidth * channels
        if pass.isTraining { origin.reserve(pass.count * outputHeight * rowSize) }
        pass.team.forEachShare(of: pass.count * outputHeight) { _, rows in
            for row in rows {
                let x = unsafe pass.inputs[0] + row / outputHeight * height * width * channels
                let y = unsafe pass.output + row * rowSize
                let top = row % outputHeight * pooling.stride - pooling.padding.top
                let lines = max(0, top)..<min(height, top + pooling.kernel)
                for column in 0..<outputWidth {
                    let left = column * pooling.stride - pooling.padding.left
                    let places = max(0, left)..<min(width, left + pooling.kernel)
                    let target = unsafe y + column * channels
                    if pass.isTraining {
                        unsafe maximum(
                            x, lines, places, to: target,
                            origin: origin.base + row * rowSize + column * channels)
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
        Lanes.forEachRun(of: channels) { c, count in
            var best = unsafe Lanes(x + first + c, count: count)
            var place = SIMD8<Int32>(repeating: Int32(truncatingIfNeeded: first))
            for line in lines {
                for column in places {
                    let offset = (line * width + column) * channels
                    let value = unsafe Lanes(x + offset + c, count: count)
                    let isLarger = value .> best
                    best.replace(with: value, where: isLarger)
                    place.replace(with: Int32(truncatingIfNeeded: offset), where: isLarger)
                }
            }
            unsafe best.store(to: y + c, count: count)
            for lane in 0..<count {
                unsafe origin[c + lane] = place[lane] &+ Int32(truncatingIfNeeded: c + lane)
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
