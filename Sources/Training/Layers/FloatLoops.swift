import CFloatLoops
private import Foundation

/// The convolutions' inner loops for one instruction set, written in C: baseline x86-64, for which
/// Swift is compiled, has vectors of four floats and no fused multiply-add.
///
/// Both sets give the same bytes. Where a processor has neither, OpenBLAS and the loops in
/// Swift do the work, which round each product and each sum.
@safe
package struct FloatLoops: Sendable {
    typealias Pack =
        @convention(c) (
            UnsafePointer<Float>?, Int, Int, UnsafeMutablePointer<Float>?
        ) -> Void
    typealias Multiply =
        @convention(c) (
            UnsafePointer<Float>?, Int, Int, UnsafePointer<Float>?, Int, Int,
            UnsafePointer<cfl_ending>?, UnsafeMutablePointer<Float>?, Int
        ) -> Void
    typealias DepthwiseRow =
        @convention(c) (
            UnsafePointer<cfl_depthwise>?, UnsafePointer<Float>?, Int, UnsafePointer<Float>?,
            UnsafePointer<cfl_ending>?, UnsafeMutablePointer<Float>?
        ) -> Void

    package let name: String
    /// The floats of a vector; maps of fewer channels are not for these loops.
    package let lanes: Int
    let isSupported: Bool
    let pack: Pack
    let multiply: Multiply
    let depthwiseRow: DepthwiseRow

    private static let all = [  // fastest first
        unsafe FloatLoops(
            name: "avx512f", lanes: 16, isSupported: cfl_has_avx512f() != 0,
            pack: cfl_pack__avx512f, multiply: cfl_multiply__avx512f,
            depthwiseRow: cfl_depthwise_row__avx512f),
        unsafe FloatLoops(
            name: "avx2", lanes: 8, isSupported: cfl_has_avx2() != 0, pack: cfl_pack__avx2,
            multiply: cfl_multiply__avx2, depthwiseRow: cfl_depthwise_row__avx2),
    ]
    /// Those that this processor can run.
    package static let supported = all.filter { $0.isSupported }
    /// The fastest of them, chosen once; of those that the int8 engine's row allows, where `DC_ISA`
    /// pins one, so that tests can be those of another processor.
    package static let current: FloatLoops? = {
        let pinned = ProcessInfo.processInfo.environment["DC_ISA"] ?? ""
        return supported.first {
            pinned.isEmpty || pinned.hasPrefix("avx512")
                || $0.name == "avx2" && pinned.hasPrefix("avx")
        }
    }()
}

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
    private var size: Int {
        let widest = Int(CFL_WIDEST)
        return (outputs + widest - 1) / widest * widest * inputs
    }

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
