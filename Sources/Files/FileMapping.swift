import Glibc

/// A file mapped into memory, read only and private to the process.
///
/// A file that another program cuts short while it is read ends this program, as for every mapped
/// file.
@safe public final class FileMapping: @unchecked Sendable {
    /// The bytes, which nobody changes while this object lives.
    package let bytes: UnsafeRawBufferPointer

    /// Maps the first `count` bytes of a file, at least one.
    ///
    /// - Throws: `SystemCallError` where they cannot be mapped.
    public init(_ file: OpenFile, count: Int) throws(SystemCallError) {
        guard
            let base = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0),
            unsafe base != MAP_FAILED
        else { throw SystemCallError("mmap", file.path, number: errno) }
        unsafe bytes = UnsafeRawBufferPointer(start: base, count: count)
    }

    deinit {
        unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count)
    }
}
