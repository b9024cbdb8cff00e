import Tensors

/// Random changes of brightness, contrast, saturation and hue, in random order.
///
/// Source: torchvision's `ColorJitter` over Pillow: each change gives the bytes that Pillow's
/// gives for the same factor.
public struct ColorJitter: Sendable, Equatable {
    /// Factors are drawn from 1 − b to 1 + b, and never below 0.
    public var brightness: Float
    /// Factors are drawn likewise.
    public var contrast: Float
    /// Factors are drawn likewise.
    public var saturation: Float
    /// Shifts are drawn from −h to h, in turns of the colour circle; at most 0.5.
    public var hue: Float
    /// The probability that anything is changed.
    public var probability: Float

    /// A jitter of the given strengths.
    public init(
        brightness: Float, contrast: Float, saturation: Float, hue: Float, probability: Float = 1
    ) {
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.probability = probability
    }

    /// The jitter of SimCLR and its descendants: 0.8, 0.8, 0.8 and 0.2 times `strength`, in 8
    /// pictures of 10.
    public static func simCLR(strength: Float) -> ColorJitter {
        ColorJitter(
            brightness: 0.8 * strength, contrast: 0.8 * strength, saturation: 0.8 * strength,
            hue: min(0.5, 0.2 * strength), probability: 0.8)
    }

    /// The picture with its colours changed.
    func apply(to picture: Picture, using random: inout SeededGenerator) -> Picture {
        var pixels = picture.pixels
        for change in random.permutation(4) {
            switch change {
            case 0: pixels.changeBrightness(by: factor(brightness, using: &random))
            case 1: pixels.changeContrast(by: factor(contrast, using: &random))
            case 2: pixels.changeSaturation(by: factor(saturation, using: &random))
            default: pixels.shiftHue(by: random.uniform(in: -hue...hue))
            }
        }
        return Picture(width: picture.width, height: picture.height, pixels: pixels)
    }

    private func factor(_ strength: Float, using random: inout SeededGenerator) -> Float {
        random.uniform(in: max(0, 1 - strength)...(1 + strength))
    }
}

extension Picture {
    /// The picture without its colours: each pixel's three values are its brightness.
    package func grayscale() -> Picture {
        var pixels = pixels
        pixels.changeSaturation(by: 0)
        return Picture(width: width, height: height, pixels: pixels)
    }
}

// Changes of pixels, `[n, 3]`, as Pillow's `ImageEnhance` and its HSV conversion make them.
extension [UInt8] {
    /// Mixes with black.
    package mutating func changeBrightness(by factor: Float) {
        mapValues(through: (0..<256).map { mix(0, $0, factor) })
    }

    /// Mixes with the mean brightness.
    package mutating func changeContrast(by factor: Float) {
        var sum = 0
        for pixel in stride(from: 0, to: count, by: 3) {
            sum += Int(luma(self[pixel], self[pixel + 1], self[pixel + 2]))
        }
        let mean = Int32(Double(sum) / Double(count / 3) + 0.5)
        mapValues(through: (0..<256).map { mix(mean, $0, factor) })
    }

    /// Mixes each pixel with its own brightness.
    package mutating func changeSaturation(by factor: Float) {
        mapPixels { red, green, blue in
            let gray = Int32(luma(red, green, blue))
            return (
                mix(gray, Int32(red), factor), mix(gray, Int32(green), factor),
                mix(gray, Int32(blue), factor)
            )
        }
    }

    /// Turns each pixel's hue by a share of the colour circle.
    package mutating func shiftHue(by turn: Float) {
        let shift = UInt8(truncatingIfNeeded: Int(turn * 255))
        guard shift != 0 else { return }  // the way to HSV and back loses some precision
        let turn = HueTurn(by: shift)
        mapPixels { turn.turned($0, $1, $2) }
    }

    private mutating func mapValues(through table: [UInt8]) {
        let table = table.span
        for i in indices { self[i] = table[Int(self[i])] }
    }

    @inline(__always)
    private mutating func mapPixels(
        _ transform: (UInt8, UInt8, UInt8) -> (UInt8, UInt8, UInt8)
    ) {
        unsafe withUnsafeMutableBufferPointer { pixels in
            for i in stride(from: 0, to: pixels.count, by: 3) {
                unsafe (pixels[i], pixels[i + 1], pixels[i + 2]) =
                    unsafe transform(pixels[i], pixels[i + 1], pixels[i + 2])
            }
        }
    }
}

/// The brightness of a colour: ITU-R 601-2's weights in 16 bits.
private func luma(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
    let sum = UInt32(red) * 19595 + UInt32(green) * 38470 + UInt32(blue) * 7471 + 0x8000
    return UInt8(truncatingIfNeeded: sum >> 16)
}

/// `a` + `factor` · (`b` − `a`), clipped and truncated.
@inline(__always)
private func mix(_ a: Int32, _ b: Int32, _ factor: Float) -> UInt8 {
    UInt8(min(max(Float(a) + factor * Float(b - a), 0), 255))
}

/// A turn around the colour circle, by way of hue, saturation and value as Pillow's "HSV" mode
/// has them, 8 bits each.
///
/// Nothing branches on a pixel's colours, which no processor could foretell.
private struct HueTurn {
    /// In 255ths of the circle.
    let shift: UInt8
    private let hues = Hue.all
    private let depths = Self.depths

    /// What Pillow makes of each saturation on the way back.
    private static let depths = (0..<256).map { Double(Float(Double($0) / 255)) }

    init(by shift: UInt8) { self.shift = shift }

    @inline(__always)
    func turned(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> (UInt8, UInt8, UInt8) {
        let high = max(red, green, blue)
        let range = high &- min(red, green, blue)
        // Black and grey have no hue; any divisor gives them saturation 0 and keeps them.
        let saturation = Float(range) / Float(high | (high == 0 ? 1 : 0))
        let depth = depths[Int(Double(saturation) * 255)]
        let hue = hues[Int(self.hue(of: red, green, blue, high, range) &+ shift)]

        let (p, q, t) = (depth, depth * hue.rest, depth * (1 - hue.rest))
        let value = Double(high)
        let mixed =
            UInt32(high) | darkened(value, p) << 8 | darkened(value, q) << 16
            | darkened(value, t) << 24
        return (
            UInt8(truncatingIfNeeded: mixed &>> hue.red),
            UInt8(truncatingIfNeeded: mixed &>> hue.green),
            UInt8(truncatingIfNeeded: mixed &>> hue.blue)
        )
    }

    @inline(__always)
    private func hue(
        of red: UInt8, _ green: UInt8, _ blue: UInt8, _ high: UInt8, _ range: UInt8
    ) -> UInt8 {
        // The highest of red, green and blue, by number, and the two that follow it in a circle.
        let isNotRed: UInt64 = red == high ? 0 : 1
        let highest = isNotRed &+ (isNotRed & (green == high ? 0 : 1))
        let circle =
            UInt64(green) | UInt64(blue) << 8 | UInt64(red) << 16 | UInt64(green) << 24
        let next = UInt8(truncatingIfNeeded: circle &>> (8 &* highest))
        let last = UInt8(truncatingIfNeeded: circle &>> (8 &* highest &+ 8))
        let divisor = Float(range | (range == 0 ? 1 : 0))
        let (toNext, toLast) = (Float(high &- next) / divisor, Float(high &- last) / divisor)
        let sixths = Float(Double(2 &* highest) + Double(toLast) - Double(toNext))
        let turn = Double(sixths) / 6 + 1  // 5/6 to 1 5/6
        return UInt8(Double(Float(turn >= 1 ? turn - 1 : turn)) * 255)
    }

    /// `value` · (1 − `share`), halves rounded up.
    ///
    /// A sum that rounds up to the next whole number (of 0.5 and the number before it) is none of
    /// the 256³ that there are.
    @inline(__always)
    private func darkened(_ value: Double, _ share: Double) -> UInt32 {
        UInt32(bitPattern: Int32(value * (1 - share) + 0.5))
    }
}

/// One of the 256 hues: where it lies within its sixth of the colour circle.
private struct Hue {
    /// How far from the sixth's beginning, 0 to 1.
    let rest: Double
    /// Which bits of a word of `value`, `p`, `q` and `t` (Smith, 1978) red, green and blue are.
    let red, green, blue: UInt32

    static let all = (0..<256).map { Hue(Double($0) * 6 / 255) }

    private init(_ sixths: Double) {
        let sector = Int(sixths)
        rest = Double(Float(sixths - Double(sector)))
        let (value, p, q, t): (UInt32, UInt32, UInt32, UInt32) = (0, 8, 16, 24)
        (red, green, blue) =
            switch sector % 6 {
            case 0: (value, t, p)
            case 1: (q, value, p)
            case 2: (p, value, t)
            case 3: (p, q, value)
            case 4: (t, p, value)
            default: (value, p, q)
            }
    }
}
