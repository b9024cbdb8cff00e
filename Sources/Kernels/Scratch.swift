/// Memory that a step may overwrite as it likes while it runs; each worker has its own.
@safe package struct Scratch: Sendable {
    private let memory: AlignedMemory<UInt8>

    /// Scratch of `byteCount` bytes.
    package init(byteCount: Int) {
        memory = AlignedMemory(count: byteCount)
    }

    /// The bytes taken.
    package var byteCount: Int { memory.byteCount }

    /// A stretch of it as numbers, from a byte that is a multiple of 64 on.
    func numbers<Number: BitwiseCopyable>(
        _ type: Number.Type, at byte: Int, count: Int
    ) -> UnsafeMutablePointer<Number> {
        precondition(
            byte % cacheLine == 0 && byte + count * MemoryLayout<Number>.stride <= memory.count,
            "\(count) numbers from byte \(byte) in scratch of \(memory.count)")
        return unsafe UnsafeMutableRawPointer(memory.base + byte)
            .assumingMemoryBound(to: Number.self)
    }
}
