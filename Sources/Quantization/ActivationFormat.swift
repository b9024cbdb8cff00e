package import Model
import Tensors

/// How an activation tensor is written in 8 bits: `x ≈ (q − zeroPoint)·scale`, with `q` clamped
/// to `lowest ... highest`.
package struct ActivationFormat: Sendable, Equatable {
    /// The value of one step.
    package var scale: Float
    /// The integer that stands for 0.
    package var zeroPoint: Int32
    /// The smallest integer.
    package var lowest: Int32
    /// The largest integer.
    package var highest: Int32

    /// The format that covers `range`, which contains 0, with the bounds of the layer.
    ///
    /// After ReLU the range starts at 0, and so the zero point is 0.
    package init(covering range: ClosedRange<Float>, bounds: FoldedNetwork.Bounds) {
        let width = Double(range.upperBound) - Double(range.lowerBound)
        scale = max(Float(width / 255), .leastNormalMagnitude)
        zeroPoint = Int32((-Double(range.lowerBound) / Double(scale)).rounded())
        zeroPoint = min(max(zeroPoint, 0), 255)
        (lowest, highest) = (0, 255)
        switch bounds {
        case .none: break
        case .relu: lowest = zeroPoint
        case .relu6:
            lowest = zeroPoint
            let top = (6 / Double(scale)).rounded() + Double(zeroPoint)
            highest = Int32(min(top, 255))
        }
    }

    /// The format of the network's input: every pixel value of every channel fits.
    ///
    /// It is taken from the whole table and not from the calibration pictures, so that no later
    /// picture is clipped; where the channels share mean and deviation, one step is one pixel
    /// value and nothing is lost.
    package init(input: InputSpecification) {
        let table = input.normalizationTable()
        let (low, high) = (table.min() ?? 0, table.max() ?? 1)
        self.init(covering: min(low, 0)...max(high, 0), bounds: .none)
    }

    /// Real values of quantized ones.
    package func dequantized(_ value: UInt8) -> Float {
        Float(Int32(value) - zeroPoint) * scale
    }

    /// The value after rounding to 8 bits and back.
    package func rounded(_ value: Float) -> Float {
        let q = (value / scale).rounded(.toNearestOrEven) + Float(zeroPoint)
        return (min(max(q, Float(lowest)), Float(highest)) - Float(zeroPoint)) * scale
    }

    /// `rounded(x) − x` of each value, all of them finite.
    package func errors(of values: [Float]) -> [Float] {
        typealias Lanes = SIMD16<Float>
        let (low, high) = (Float(lowest), Float(highest))
        let (scales, zeros) = (Lanes(repeating: scale), Lanes(repeating: Float(zeroPoint)))
        // Adding and taking it away again rounds to the nearest even number, as far as it matters
        // within the bounds, and without a call where there is no SSE4.1.
        let shift = Lanes(repeating: 0x1.8p23)
        let whole = values.count & ~15
        return unsafe [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
            unsafe values.withUnsafeBytes { bytes in
                for index in stride(from: 0, to: whole, by: 16) {
                    let x = unsafe bytes.loadUnaligned(
                        fromByteOffset: index * 4, as: Lanes.self)
                    var q = (x / scales + shift) - shift + zeros
                    q.replace(with: low, where: q .< low)
                    q.replace(with: high, where: q .> high)
                    let error = (q - zeros) * scales - x
                    for lane in 0..<16 { unsafe buffer[index + lane] = error[lane] }
                }
            }
            for index in whole..<values.count {
                unsafe buffer[index] = rounded(values[index]) - values[index]
            }
            count = values.count
        }
    }

    /// The format of a layer's output in an int8 checkpoint.
    init(of layer: String, in checkpoint: Checkpoint) throws(QuantizationError) {
        do throws(CheckpointError) {
            scale = try checkpoint.float("\(layer).output_scale").elements[0]
            let range = try checkpoint.int32("\(layer).output_range").elements
            (zeroPoint, lowest, highest) = (range[0], range[1], range[2])
        } catch { throw .checkpoint(error) }
    }

    /// Adds the tensors that describe the format of the output of `layer`.
    func store(for layer: String, in tensors: inout [String: WeightTensor]) {
        tensors["\(layer).output_scale"] = .float32(Tensor([scale], shape: [1]))
        tensors["\(layer).output_range"] = .int32(
            Tensor([zeroPoint, lowest, highest], shape: [3]))
    }
}
