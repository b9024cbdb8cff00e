internal import CKernels

/// How a u8 activation stands for real numbers: `value = (q − zeroPoint) · scale`, with `q`
/// kept within `low...high`.
///
/// The bounds carry ReLU (`low` is the zero point) and ReLU6 (`high` stands for 6).
package struct ActivationFormat: Sendable, Equatable {
    /// The real value of one step, positive.
    package let scale: Float
    /// The byte that stands for zero, 0 to 255.
    package let zeroPoint: Int
    /// The least byte that occurs.
    package let low: Int
    /// The largest byte that occurs.
    package let high: Int

    /// A format; bounds and zero point lie within 0 to 255.
    package init(scale: Float, zeroPoint: Int, low: Int = 0, high: Int = 255) {
        precondition(
            scale > 0 && scale.isFinite && 0 <= zeroPoint && zeroPoint <= 255 && 0 <= low
                && low <= high && high <= 255,
            "scale \(scale), zero point \(zeroPoint), bounds \(low) to \(high)")
        (self.scale, self.zeroPoint, self.low, self.high) = (scale, zeroPoint, low, high)
    }

    var requantization: ck_requantization {
        ck_requantization(
            zero_point: Int32(zeroPoint), low: Int32(low), high: Int32(high))
    }

    /// What an accumulator of products of `input` and weights is multiplied with:
    /// `sx · sw / sy`, rounded once.
    package func multiplier(input: ActivationFormat, weightScale: Float) -> Float {
        Float(Double(input.scale) * Double(weightScale) / Double(scale))
    }

    /// The byte for a real number: `clamp(roundHalfEven(x / scale) + zeroPoint)`.
    package func quantized(_ value: Float) -> UInt8 {
        requantized(value / scale, requantization)
    }
}

/// Clamps, rounds half to even and adds the zero point: the end of every u8 operation.
func requantized(_ t: Float, _ format: ck_requantization) -> UInt8 {
    let bounded = min(
        max(t, Float(format.low - format.zero_point)), Float(format.high - format.zero_point))
    return UInt8(
        truncatingIfNeeded: format.zero_point + Int32(bounded.rounded(.toNearestOrEven)))
}
