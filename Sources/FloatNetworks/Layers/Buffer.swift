/// Numbers outside any array, for loops that must neither allocate nor check bounds.
///
/// A buffer grows when asked to and never shrinks: fresh pages cost more than most layers do,
/// so every buffer is kept from one step to the next.
@safe
final class Buffer<Element: BitwiseCopyable> {
    /// The first element; it changes when the buffer grows.
    private(set) var base: UnsafeMutablePointer<Element>
    /// How many elements there is room for.
    private(set) var capacity: Int

    /// A buffer of `count` zeros.
    init(count: Int = 0) {
        unsafe base = Self.allocate(count)
        capacity = count
    }

    deinit { unsafe UnsafeMutableRawPointer(base).deallocate() }

    /// Makes room for `count` elements; when the buffer grows, it holds zeros.
    func reserve(_ count: Int) {
        guard count > capacity else { return }
        unsafe UnsafeMutableRawPointer(base).deallocate()
        unsafe base = Self.allocate(count)
        capacity = count
    }

    /// Zeroed memory on a cache line's boundary.
    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
        let bytes = max(count, 1) * MemoryLayout<Element>.stride
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        unsafe raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return unsafe raw.bindMemory(to: Element.self, capacity: max(count, 1))
    }
}

extension Buffer<Float> {
    /// Copies an array in, from the first element on.
    func copy(from elements: [Float]) {
        precondition(elements.count <= capacity, "\(elements.count) elements into \(capacity)")
        unsafe elements.withUnsafeBufferPointer { source in
            guard let first = source.baseAddress else { return }
            unsafe base.update(from: first, count: source.count)
        }
    }

    /// The first `count` elements.
    func elements(_ count: Int) -> [Float] {
        precondition(count <= capacity, "\(count) elements of \(capacity)")
        return unsafe [Float](UnsafeBufferPointer(start: base, count: count))
    }
}
