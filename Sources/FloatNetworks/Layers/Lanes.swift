/// Eight neighbouring channels.
///
/// The loops with many operands use these instead of plain ones: the compiler gives up on
/// proving that so many arrays do not overlap, and sums stay in registers.
typealias Lanes = SIMD8<Float>

extension SIMD8<Float> {
    /// The eight numbers at `source`, or its first `count` and zeros.
    @inline(__always)
    @unsafe init(_ source: UnsafePointer<Float>, count: Int) {
        if count == 8 {
            self = unsafe UnsafeRawPointer(source).loadUnaligned(as: Lanes.self)
        } else {
            self = .zero
            for lane in 0..<count { unsafe self[lane] = source[lane] }
        }
    }

    /// Writes all eight numbers, or the first `count`.
    @inline(__always)
    @unsafe func store(to target: UnsafeMutablePointer<Float>, count: Int) {
        if count == 8 {
            unsafe UnsafeMutableRawPointer(target).storeBytes(of: self, as: Lanes.self)
        } else {
            for lane in 0..<count { unsafe target[lane] = self[lane] }
        }
    }

    /// Calls `body` with the first of each run of eight channels and the length of the run.
    @inline(__always)
    static func forEachRun(of channels: Int, _ body: (_ channel: Int, _ count: Int) -> Void) {
        for channel in stride(from: 0, to: channels, by: 8) {
            body(channel, Swift.min(8, channels - channel))
        }
    }
}
