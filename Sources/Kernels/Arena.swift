/// The memory of all activations of a plan, for every picture of a batch.
///
/// Layers read and write `ActivationSlot`s of it. Kernels run on it without locks; whoever plans
/// them keeps tasks that run at the same time from writing what another reads or writes.
@safe package final class Arena: Sendable {
    let memory: AlignedMemory<UInt8>

    /// An arena of `byteCount` bytes.
    package init(byteCount: Int) {
        memory = AlignedMemory(count: byteCount)
    }

    /// The bytes taken.
    package var byteCount: Int { memory.byteCount }

    /// The start of a picture's bytes, which are known to lie inside the arena.
    func start(of slot: ActivationSlot, picture: Int) -> UnsafeMutablePointer<UInt8> {
        let start = slot.offset + picture * slot.stride
        precondition(
            picture >= 0 && start >= 0 && start + slot.extent <= memory.count,
            "picture \(picture) of \(slot) in an arena of \(memory.count) bytes")
        return unsafe memory.base + start
    }

    /// Fills the positions that stand for padding with the value of zero.
    package func fillMargin(of slot: ActivationSlot, picture: Int, with zeroPoint: Int) {
        let start = unsafe start(of: slot, picture: picture)
        unsafe (start + slot.count).update(
            repeating: UInt8(truncatingIfNeeded: zeroPoint), count: slot.margin)
    }

    /// Copies one picture's activation in.
    package func write(_ bytes: Span<UInt8>, to slot: ActivationSlot, picture: Int) {
        precondition(bytes.count == slot.count, "\(bytes.count) bytes into \(slot)")
        let start = unsafe start(of: slot, picture: picture)
        unsafe bytes.withUnsafeBufferPointer { source in
            if let first = source.baseAddress {
                unsafe start.update(from: first, count: source.count)
            }
        }
    }

    /// A copy of one picture's activation.
    package func read(_ slot: ActivationSlot, picture: Int) -> [UInt8] {
        unsafe Array(
            UnsafeBufferPointer(start: start(of: slot, picture: picture), count: slot.count))
    }
}

/// Where in an arena an activation lies: one stretch a picture, each with a margin that holds
/// the zero point (what a convolution reads outside the map) and slack.
package struct ActivationSlot: Sendable, Equatable {
    /// The first byte of the first picture.
    package let offset: Int
    /// The bytes of one picture's activation.
    package let count: Int
    /// The bytes of the margin, as many as there are channels.
    package let margin: Int
    /// The bytes from one picture to the next.
    package let stride: Int

    /// A slot for activations of `count` bytes.
    package init(offset: Int, count: Int, margin: Int, stride: Int) {
        (self.offset, self.count, self.margin) = (offset, count, margin)
        self.stride = stride
    }

    /// The bytes that one picture's activation takes with its margin and slack.
    package static func extent(count: Int, margin: Int) -> Int {
        (count + margin + cacheLine).roundedUp(to: cacheLine)
    }

    var extent: Int { Self.extent(count: count, margin: margin) }
}
