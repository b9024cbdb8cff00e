private import Glibc

/// A fixed block of numbers for kernels: zeroed, aligned to a cache line and followed by 64
/// bytes of slack, so that a vector load at the last element stays inside it.
///
/// A block of several huge pages asks the system for those: weights that are read once a call
/// otherwise wait for the translation of each small page, the more so in a virtual machine.
///
/// Safety: the block is written either before it is shared or by the one plan that owns it,
/// whose concurrent tasks write disjoint parts.
@safe package final class AlignedMemory<Element: BitwiseCopyable>: @unchecked Sendable {
    /// The number of elements.
    package let count: Int
    let base: UnsafeMutablePointer<Element>

    /// `count` elements whose bytes are all zero.
    package init(count: Int) {
        precondition(count >= 0, "a block of \(count) elements")
        self.count = count
        let byteCount = count * MemoryLayout<Element>.stride + cacheLine
        let isLarge = byteCount >= 2 * hugePage
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: byteCount, alignment: isLarge ? hugePage : cacheLine)
        // Where the system has none, or always gives them, nothing changes.
        if isLarge { _ = unsafe madvise(raw, byteCount / hugePage * hugePage, MADV_HUGEPAGE) }
        unsafe raw.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        unsafe base = raw.assumingMemoryBound(to: Element.self)
    }

    /// A copy of `elements`.
    package convenience init(_ elements: [Element]) {
        self.init(count: elements.count)
        for i in elements.indices { self[i] = elements[i] }
    }

    deinit {
        unsafe UnsafeMutableRawPointer(base).deallocate()
    }

    /// The bytes taken, slack included.
    package var byteCount: Int { count * MemoryLayout<Element>.stride + cacheLine }

    /// One element.
    package subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "index \(index) of \(count)")
            return unsafe base[index]
        }
        set {
            precondition(index >= 0 && index < count, "index \(index) of \(count)")
            unsafe base[index] = newValue
        }
    }

    /// A copy of the elements in `range`.
    package func elements(_ range: Range<Int>) -> [Element] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count)")
        return unsafe Array(
            UnsafeBufferPointer(start: base + range.lowerBound, count: range.count))
    }
}

/// The bytes of a cache line, and of the widest vector.
let cacheLine = 64
/// The bytes of a huge page, on x86-64 and on 64-bit ARM with pages of 4 KiB.
private let hugePage = 1 << 21

extension Int {
    /// The least multiple of `step` that is not below this number.
    func roundedUp(to step: Int) -> Int { (self + step - 1) / step * step }
}
