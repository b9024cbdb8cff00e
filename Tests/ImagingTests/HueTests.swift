import Imaging
import Testing

/// Turning hues against Pillow's own way through HSV, written as its `Convert.c` has it.
struct HueTests {
    // As Pillow's rgb2hsv and hsv2rgb, with C's float and double kept apart.
    private func turned(_ red: UInt8, _ green: UInt8, _ blue: UInt8, by shift: UInt8) -> [UInt8] {
        let (low, high) = (min(red, green, blue), max(red, green, blue))
        guard low != high else { return [high, high, high] }
        let range = Float(high - low)
        func distance(_ channel: UInt8) -> Float { Float(high - channel) / range }
        let sixths =
            if red == high {
                distance(blue) - distance(green)
            } else if green == high {
                Float(2 + Double(distance(red)) - Double(distance(blue)))
            } else {
                Float(4 + Double(distance(green)) - Double(distance(red)))
            }
        let turn = Double(sixths) / 6 + 1
        let hue = UInt8(Double(Float(turn.truncatingRemainder(dividingBy: 1))) * 255) &+ shift
        let saturation = UInt8(Double(range / Float(high)) * 255)

        let place = Double(hue) * 6 / 255
        let rest = Double(Float(place - place.rounded(.down)))
        let depth = Double(Float(Double(saturation) / 255))
        func part(_ share: Double) -> UInt8 { UInt8((Double(high) * (1 - share)).rounded()) }
        let (p, q, t) = (part(depth), part(depth * rest), part(depth * (1 - rest)))
        switch Int(place) % 6 {
        case 0: return [high, t, p]
        case 1: return [q, high, p]
        case 2: return [p, high, t]
        case 3: return [p, q, high]
        case 4: return [t, p, high]
        default: return [high, p, q]
        }
    }

    // Every 61st colour there is, and all that end a range: black, greys, ties, pure colours.
    @Test(arguments: [1, 37, 128, 254] as [UInt8])
    func everyColourTurnsAsPillowTurnsIt(shift: UInt8) {
        let edges = [0, 1, 127, 128, 254, 255] as [UInt8]
        var colours = edges.flatMap { red in
            edges.flatMap { green in edges.map { blue in [red, green, blue] } }
        }
        for number in stride(from: 0, to: 1 << 24, by: 61) {
            colours.append([UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255)])
        }
        var pixels = colours.flatMap { $0 }
        // A share of the circle that comes to `shift` 255ths of it.
        pixels.shiftHue(by: (Float(shift) + 0.5) / 255)
        let wrong = colours.indices.first { index in
            let colour = colours[index]
            return Array(pixels[3 * index..<3 * index + 3])
                != turned(colour[0], colour[1], colour[2], by: shift)
        }
        #expect(wrong == nil, "\(wrong.map { colours[$0] } ?? [])")
    }
}
