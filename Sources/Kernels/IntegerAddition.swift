internal import CKernels

/// The sum of two activations, `(a − za)·(sa/sy) + (b − zb)·(sb/sy)`, requantized.
@safe package struct IntegerAddition: Sendable {
    private let first, second, output: ActivationFormat
    /// The row that can compute it: the one asked for, but for absurd scales.
    package let table: KernelTable

    /// A sum of activations of the given formats.
    package init(
        first: ActivationFormat, second: ActivationFormat, output: ActivationFormat,
        using table: KernelTable
    ) {
        (self.first, self.second, self.output) = (first, second, output)
        let scales = Double(first.scale) + Double(second.scale)
        self.table = table.bearing(255 * scales / Double(output.scale))
    }

    /// The sum as the kernels take it.
    func terms(
        _ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, out: UnsafeMutablePointer<UInt8>
    ) -> ck_add {
        unsafe ck_add(
            a: a, b: b, out: out, a_zero_point: Int32(first.zeroPoint),
            b_zero_point: Int32(second.zeroPoint),
            a_ratio: Float(Double(first.scale) / Double(output.scale)),
            b_ratio: Float(Double(second.scale) / Double(output.scale)),
            requantization: output.requantization)
    }

    /// Computes some elements of the sum for one picture.
    package func run(
        in arena: Arena, from a: ActivationSlot, and b: ActivationSlot, to result: ActivationSlot,
        picture: Int, elements: Range<Int>
    ) {
        precondition(
            a.count == b.count && a.count == result.count && elements.upperBound <= a.count,
            "elements \(elements) from \(a) and \(b) to \(result)")
        var add = unsafe terms(
            arena.start(of: a, picture: picture), arena.start(of: b, picture: picture),
            out: arena.start(of: result, picture: picture))
        unsafe withUnsafePointer(to: &add) {
            unsafe table.add($0, elements.lowerBound, elements.count)
        }
    }
}
