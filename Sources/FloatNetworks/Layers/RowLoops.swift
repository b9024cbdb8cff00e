/// What follows a sum in the same pass over memory.
enum Activation {
    case identity, relu, relu6
}

/// Loops over rows of channels, the form every NHWC activation has.
///
/// The channel is the inner index everywhere, so that the compiler vectorizes across channels
/// and no sum depends on the width of a vector.
enum RowLoops {
    /// `y ← activation(x · scale + shift)`, each channel with its own numbers; y may be x.
    @unsafe static func affine(
        _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, rows: Int, channels: Int,
        scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, _ activation: Activation
    ) {
        for row in 0..<rows {
            let x = unsafe x + row * channels
            let y = unsafe y + row * channels
            switch activation {
            case .identity:
                for c in 0..<channels { unsafe y[c] = x[c] * scale[c] + shift[c] }
            case .relu:
                for c in 0..<channels {
                    let value = unsafe x[c] * scale[c] + shift[c]
                    unsafe y[c] = value > 0 ? value : 0
                }
            case .relu6:
                for c in 0..<channels {
                    let value = unsafe x[c] * scale[c] + shift[c]
                    let positive = value > 0 ? value : 0
                    unsafe y[c] = positive < 6 ? positive : 6
                }
            }
        }
    }

    /// `y ← activation(y + shift)`; without a shift only the activation.
    @unsafe static func add(
        _ shift: UnsafePointer<Float>?, to y: UnsafeMutablePointer<Float>, rows: Int, channels: Int,
        _ activation: Activation = .identity
    ) {
        if let shift = unsafe shift {
            for row in 0..<rows {
                let y = unsafe y + row * channels
                for c in 0..<channels { unsafe y[c] += shift[c] }
            }
        }
        unsafe activate(y, to: y, count: rows * channels, activation)
    }

    /// `y ← activation(x)`; y may be x.
    @unsafe static func activate(
        _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int,
        _ activation: Activation
    ) {
        switch activation {
        case .identity: break
        case .relu:
            for i in 0..<count { unsafe y[i] = x[i] > 0 ? x[i] : 0 }
        case .relu6:
            for i in 0..<count {
                let positive = unsafe x[i] > 0 ? x[i] : 0
                unsafe y[i] = positive < 6 ? positive : 6
            }
        }
    }

    /// `sums ← the sum of each column`.
    @unsafe static func columnSums(
        _ x: UnsafePointer<Float>, rows: Int, channels: Int, into sums: UnsafeMutablePointer<Float>
    ) {
        unsafe sums.update(repeating: 0, count: channels)
        for row in 0..<rows {
            let x = unsafe x + row * channels
            for c in 0..<channels { unsafe sums[c] += x[c] }
        }
    }

    /// `y ← x`, or `y ← y + x` when accumulating; nothing where both are the same memory.
    @unsafe static func store(
        _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int, accumulates: Bool
    ) {
        if accumulates {
            for i in 0..<count { unsafe y[i] += x[i] }
        } else if unsafe x != UnsafePointer(y) {
            unsafe y.update(from: x, count: count)
        }
    }
}
