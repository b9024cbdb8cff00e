package import CFloatLoops
private import Foundation

/// Inner loops of products and of depthwise convolutions for one instruction set, written in C:
/// baseline x86-64, for which Swift is compiled, has vectors of four floats and no fused
/// multiply-add.
///
/// Both sets give the same bytes. Where a processor has neither, OpenBLAS and the loops in
/// Swift do the work, which round each product and each sum.
@safe
package struct FloatLoops: Sendable {
    package typealias Pack =
        @convention(c) (
            UnsafePointer<Float>?, Int, Int, UnsafeMutablePointer<Float>?
        ) -> Void
    package typealias Multiply =
        @convention(c) (
            UnsafePointer<Float>?, Int, Int, UnsafePointer<Float>?, Int, Int,
            UnsafePointer<cfl_ending>?, UnsafeMutablePointer<Float>?, Int
        ) -> Void
    package typealias DepthwiseRow =
        @convention(c) (
            UnsafePointer<cfl_depthwise>?, UnsafePointer<Float>?, Int, UnsafePointer<Float>?,
            UnsafePointer<cfl_ending>?, UnsafeMutablePointer<Float>?
        ) -> Void

    package let name: String
    /// The floats of a vector; maps of fewer channels are not for these loops.
    package let lanes: Int
    let isSupported: Bool
    package let pack: Pack
    package let multiply: Multiply
    package let depthwiseRow: DepthwiseRow

    /// The floats that `pack` needs room for.
    package static func packedCount(outputs: Int, inputs: Int) -> Int {
        let widest = Int(CFL_WIDEST)
        return (outputs + widest - 1) / widest * widest * inputs
    }

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
