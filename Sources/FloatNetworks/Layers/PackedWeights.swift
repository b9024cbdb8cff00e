import CFloatLoops
import LinearAlgebra

/// A matrix of weights, `[outputs, inputs]`, in the order in which `FloatLoops` reads it.
final class PackedWeights {
    private let loops: FloatLoops
    private let outputs, inputs: Int
    private let packed = Buffer<Float>()

    init(_ loops: FloatLoops, outputs: Int, inputs: Int) {
        precondition(outputs >= loops.lanes, "\(outputs) outputs, fewer than a vector has floats")
        (self.loops, self.outputs, self.inputs) = (loops, outputs, inputs)
    }

    /// What leaves a sum as it is.
    static var noEnding: cfl_ending {
        unsafe cfl_ending(scale: nil, shift: nil, low: -.infinity, high: .infinity)
    }

    /// Makes room for `count` such matrices.
    func reserve(_ count: Int = 1) { packed.reserve(count * size) }

    /// Elements of one matrix.
    private var size: Int { FloatLoops.packedCount(outputs: outputs, inputs: inputs) }

    /// Packs the matrix with the given number.
    @unsafe func pack(_ weights: UnsafePointer<Float>, index: Int = 0) {
        unsafe loops.pack(weights, outputs, inputs, packed.base + index * size)
    }

    /// `y ← ending(x · Wᵀ)`.
    ///
    /// - Parameters:
    ///   - x: `rows` rows, each of `inputs` elements.
    ///   - rows: How many there are.
    ///   - index: The number of the matrix.
    ///   - y: `[rows, outputs]`.
    ///   - ending: What becomes of each sum.
    @unsafe func multiply(
        _ x: UnsafePointer<Float>, rows: Int, index: Int = 0, to y: UnsafeMutablePointer<Float>,
        _ ending: cfl_ending
    ) {
        unsafe withUnsafePointer(to: ending) { ending in
            unsafe loops.multiply(
                x, inputs, rows, packed.base + index * size, inputs, outputs, ending, y, outputs)
        }
    }
}
