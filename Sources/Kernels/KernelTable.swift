internal import CKernels
private import Glibc

/// A depthwise convolution, of `block` channels at a time, a multiple of 16.
@safe struct DepthwiseKernel: Sendable {
    let block: Int
    let run: KernelTable.Depthwise
}

/// Winograd's transforms of input and output; the row's product then takes int16.
@safe struct WinogradKernels: Sendable {
    let input: @convention(c) (UnsafePointer<ck_winograd>, Int, Int) -> Void
    let output: @convention(c) (UnsafePointer<ck_winograd>, Int, Int, Int, Int) -> Void
}

/// The kernels of one instruction set.
///
/// All rows give the same bits; the Swift row says which. `DC_ISA` in the environment pins one.
@safe package struct KernelTable: Sendable {
    typealias Product =
        @convention(c) (UnsafePointer<ck_product>, Int, Int, Int, Int) -> Void
    typealias Depthwise = @convention(c) (UnsafePointer<ck_depthwise>, Int, Int) -> Void
    typealias Pool = @convention(c) (UnsafePointer<ck_pool>, Int, Int) -> Void
    typealias Add = @convention(c) (UnsafePointer<ck_add>, Int, Int) -> Void
    typealias Distances =
        @convention(c) (
            UnsafePointer<Float>, Int, UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>
        ) -> Void
    typealias Dots =
        @convention(c) (
            UnsafePointer<Float>, UnsafePointer<Float>, Int, Int, UnsafeMutablePointer<Float>
        ) -> Void

    /// The row's name, as `DC_ISA` takes it.
    package let name: String
    let needs: UInt32
    let product: Product
    /// The widest, and where that takes more channels at once, one for a few that are left over.
    let depthwise: [DepthwiseKernel]
    /// Where products of int16 are so quick that Winograd's transforms pay.
    let winograd: WinogradKernels?
    let maxPool: Pool
    let averagePool: Pool
    let add: Add
    let distances: Distances
    let dots: Dots
}

extension KernelTable {
    /// The row written in Swift, which defines every result.
    package static let reference = unsafe KernelTable(
        name: "reference", needs: 0,
        product: referenceProduct, depthwise: [DepthwiseKernel(block: 16, run: referenceDepthwise)],
        winograd: nil,
        maxPool: referenceMaxPool, averagePool: referenceAveragePool, add: referenceAdd,
        distances: referenceDistances, dots: referenceDots)

    #if arch(x86_64)
    private static let vectorized = [
        unsafe KernelTable(
            name: "avx512vnni", needs: UInt32(CK_AVX512VNNI),
            product: ck_u8s8_product__avx512vnni,
            depthwise: [
                DepthwiseKernel(block: 64, run: ck_u8s8_depthwise__avx512vnni),
                DepthwiseKernel(block: 32, run: ck_u8s8_depthwise__avx512vl),
            ], winograd: nil,
            maxPool: ck_u8_maxpool__avx512vnni, averagePool: ck_u8_averagepool__avx512vnni,
            add: ck_u8_add__avx512vnni, distances: ck_f32_distances__avx512vnni,
            dots: ck_f32_dots__avx512vnni),
        unsafe KernelTable(
            name: "avx512vl", needs: UInt32(CK_AVX512VNNI),
            product: ck_u8s8_product__avx512vl,
            depthwise: [DepthwiseKernel(block: 32, run: ck_u8s8_depthwise__avx512vl)],
            winograd: nil,
            maxPool: ck_u8_maxpool__avx512vl, averagePool: ck_u8_averagepool__avx512vl,
            add: ck_u8_add__avx512vl, distances: ck_f32_distances__avx512vl,
            dots: ck_f32_dots__avx512vl),
        unsafe KernelTable(
            name: "avxvnni", needs: UInt32(CK_AVXVNNI),
            product: ck_u8s8_product__avxvnni,
            depthwise: [DepthwiseKernel(block: 32, run: ck_u8s8_depthwise__avxvnni)], winograd: nil,
            maxPool: ck_u8_maxpool__avxvnni, averagePool: ck_u8_averagepool__avxvnni,
            add: ck_u8_add__avxvnni, distances: ck_f32_distances__avxvnni,
            dots: ck_f32_dots__avxvnni),
        unsafe KernelTable(
            name: "avx2", needs: UInt32(CK_AVX2),
            product: ck_u8s8_product__avx2,
            depthwise: [DepthwiseKernel(block: 32, run: ck_u8s8_depthwise__avx2)],
            winograd: WinogradKernels(
                input: ck_u8_winograd_input__avx2, output: ck_u8_winograd_output__avx2),
            maxPool: ck_u8_maxpool__avx2,
            averagePool: ck_u8_averagepool__avx2, add: ck_u8_add__avx2,
            distances: ck_f32_distances__avx2, dots: ck_f32_dots__avx2),
    ]
    #elseif arch(arm64)
    private static let vectorized = [
        unsafe KernelTable(
            name: "neon", needs: UInt32(CK_DOTPROD),
            product: ck_u8s8_product__neon,
            depthwise: [DepthwiseKernel(block: 16, run: ck_u8s8_depthwise__neon)], winograd: nil,
            maxPool: ck_u8_maxpool__neon,
            averagePool: ck_u8_averagepool__neon, add: ck_u8_add__neon,
            distances: ck_f32_distances__neon, dots: ck_f32_dots__neon)
    ]
    #else
    private static let vectorized: [KernelTable] = []
    #endif

    /// Every row that this build has, the fastest first.
    package static let all = vectorized + [reference]

    /// The rows that this CPU can run, the fastest first.
    package static let supported = all.filter { $0.needs & ~ck_cpu_features() == 0 }

    /// The row to work with: the fastest, or the one that `DC_ISA` names.
    ///
    /// - Throws: `KernelError` if `DC_ISA` names none that this CPU can run.
    package static func current() throws(KernelError) -> KernelTable { try choice.get() }

    // Chosen once, so that one process never mixes rows.
    private static let choice = Result { () throws(KernelError) in
        try row(named: unsafe getenv("DC_ISA").map { unsafe String(cString: $0) })
    }

    /// The row of that name, the fastest for none.
    package static func row(named name: String?) throws(KernelError) -> KernelTable {
        guard let name, !name.isEmpty else { return supported[0] }
        guard all.contains(where: { $0.name == name }) else {
            throw .unknownInstructionSet(name, known: all.map { $0.name })
        }
        guard let row = supported.first(where: { $0.name == name }) else {
            throw .unsupportedInstructionSet(name, supported: supported.map { $0.name })
        }
        return row
    }
}

extension KernelTable {
    /// This row, or the reference for a layer whose results before rounding may reach 2³¹: the
    /// other rows convert them to int32 before they are clamped.
    ///
    /// No real layer comes near it: 255 is the largest byte.
    func bearing(_ largestResult: Double) -> KernelTable {
        largestResult < 0x1p31 ? self : .reference
    }
}

/// The largest result before rounding, `m · (255 · Σ|w| + |bias|)`, over the outputs of a layer
/// with `filters`, `[outputs, …]`.
func largestResult(filters: Span<Int8>, bias: Span<Int32>, multipliers: [Float]) -> Double {
    let size = filters.count / max(bias.count, 1)
    var largest = 0.0
    for output in 0..<bias.count {
        var sum = 0
        for i in output * size..<(output + 1) * size { sum += abs(Int(filters[i])) }
        let accumulator = 255 * sum + abs(Int(bias[output]))
        largest = max(largest, Double(accumulator) * Double(multipliers[output].magnitude))
    }
    return largest
}

extension KernelTable: CustomStringConvertible {
    package var description: String { name }
}

/// Tells the CPU that this thread is looking out for another one's store.
package func spinHint() { ck_spin_hint() }
