extension Picture {
    /// The picture blurred by a Gaussian that is cut off at three standard deviations; beyond an
    /// edge its last pixel goes on.
    ///
    /// - Parameter radius: The standard deviation, in pixels.
    /// - Returns: A picture of the same size.
    package func blurred(radius: Float) -> Picture {
        let kernel = GaussianKernel(radius: Double(radius))
        let row = width * 3
        let across = kernel.blur(pixels, length: width, step: 3, lines: height, lineStep: row)
        return Picture(
            width: width, height: height,
            pixels: kernel.blur(across, length: height, step: row, lines: width, lineStep: 3))
    }
}

/// One half of a Gaussian in 16 bits after the point; the whole sums to exactly 1.
private struct GaussianKernel {
    /// The weight of the centre, then of each distance from it.
    let weights: [UInt32]

    init(radius: Double) {
        let reach = Int((3 * radius).rounded(.up))
        let exact = (0...reach).map { distance in
            let x = Double(distance) / radius
            // Beyond 4 deviations (of a very small radius) nothing is left in 16 bits.
            return x > 4 ? 0 : exponential(-x * x / 2)
        }
        let sum = exact[0] + 2 * exact.dropFirst().reduce(0, +)
        var weights = exact.map { UInt32(($0 / sum * 65536).rounded()) }
        weights[0] = 65536 - 2 * weights.dropFirst().reduce(0, +)
        self.weights = weights
    }

    /// Blurs along one axis.
    ///
    /// - Parameters:
    ///   - pixels: Three channels, side by side.
    ///   - length: The number of pixels along the axis.
    ///   - step: The distance between two of them, in bytes.
    ///   - lines: The number of lines along the axis.
    ///   - lineStep: The distance between two lines, in bytes.
    /// - Returns: As many pixels.
    func blur(
        _ pixels: [UInt8], length: Int, step: Int, lines: Int, lineStep: Int
    ) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: pixels.count)
        for line in 0..<lines {
            for position in 0..<length {
                let start = line * lineStep
                for channel in start..<(start + 3) {
                    var sum = weights[0] * UInt32(pixels[channel + position * step]) + 32768
                    for distance in 1..<max(weights.count, 1) {
                        let before = channel + max(position - distance, 0) * step
                        let behind = channel + min(position + distance, length - 1) * step
                        sum += weights[distance] * (UInt32(pixels[before]) + UInt32(pixels[behind]))
                    }
                    result[channel + position * step] = UInt8(sum >> 16)
                }
            }
        }
        return result
    }
}
