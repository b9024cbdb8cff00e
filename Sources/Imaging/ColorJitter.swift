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
        mapPixels { red, green, blue in
            var color = HueSaturationValue(red: red, green: green, blue: blue)
            color.hue &+= shift
            return color.rgb
        }
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

/// A colour as hue, saturation and value, 8 bits each, as Pillow's "HSV" mode has it.
private struct HueSaturationValue {
    var hue, saturation, value: UInt8

    init(red: UInt8, green: UInt8, blue: UInt8) {
        let (low, high) = (min(red, green, blue), max(red, green, blue))
        value = high
        guard low != high else {
            (hue, saturation) = (0, 0)
            return
        }
        let range = Float(high - low)
        func distance(_ channel: UInt8) -> Float { Float(high - channel) / range }
        let sixths: Float =
            if red == high {
                distance(blue) - distance(green)
            } else if green == high {
                Float(2 + Double(distance(red)) - Double(distance(blue)))
            } else {
                Float(4 + Double(distance(green)) - Double(distance(red)))
            }
        let turn = Double(sixths) / 6 + 1  // 5/6 to 1 5/6
        hue = UInt8(Double(Float(turn >= 1 ? turn - 1 : turn)) * 255)
        saturation = UInt8(Double(range / Float(high)) * 255)
    }

    var rgb: (UInt8, UInt8, UInt8) {
        guard saturation != 0 else { return (value, value, value) }
        let sixths = Double(hue) * 6 / 255
        let sector = Int(sixths)
        let rest = Double(Float(sixths - Double(sector)))
        let depth = Double(Float(Double(saturation) / 255))
        // Rounds halves up. Without SSE 4.1, rounded() would be a call of the C library.
        func part(_ share: Double) -> UInt8 {
            let exact = Double(value) * (1 - share)
            let whole = Int32(exact)
            return UInt8(truncatingIfNeeded: exact - Double(whole) < 0.5 ? whole : whole + 1)
        }
        let p = part(depth)
        switch sector % 6 {
        case 0: return (value, part(depth * (1 - rest)), p)
        case 1: return (part(depth * rest), value, p)
        case 2: return (p, value, part(depth * (1 - rest)))
        case 3: return (p, part(depth * rest), value)
        case 4: return (part(depth * (1 - rest)), p, value)
        default: return (value, p, part(depth * rest))
        }
    }
}
