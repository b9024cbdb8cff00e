import CFloatLoops

/// What comes after a convolution's sums in the same pass over memory: its bias, and in
/// evaluation the batch norm and activation that follow.
struct ConvolutionEpilogue {
    let bias: Parameter?
    let norm: FoldedNorm?
    let activation: Activation

    /// Reads the running statistics again.
    func update() { norm?.update(bias: bias) }

    /// The ending as `FloatLoops` takes it, once it is up to date; there `x · scale + shift` is
    /// rounded once, and what is not a number stays so.
    var fused: cfl_ending {
        let isBounded = activation != .identity
        return unsafe cfl_ending(
            scale: norm.map { unsafe UnsafePointer($0.scale.base) },
            shift: UnsafePointer(norm?.shift.base ?? bias?.value.base),
            low: isBounded ? 0 : -.infinity, high: activation == .relu6 ? 6 : .infinity)
    }

    /// Finishes rows of sums while they are still in the cache.
    @unsafe func finish(_ y: UnsafeMutablePointer<Float>, rows: Int, channels: Int) {
        if let norm {
            unsafe RowLoops.affine(
                y, to: y, rows: rows, channels: channels, scale: norm.scale.base,
                shift: norm.shift.base, activation)
        } else {
            unsafe RowLoops.add(
                bias?.value.base, to: y, rows: rows, channels: channels, activation)
        }
    }
}
