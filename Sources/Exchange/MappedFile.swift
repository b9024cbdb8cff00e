import Model

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A file mapped into memory, read only, every access checked against its size.
///
/// The mapping is private to the process. A file that another program cuts short while it is
/// read ends this program, as for every mapped file.
@safe final class MappedFile {
    let path: String
    /// The size in bytes.
    let count: Int

    private let bytes: UnsafeRawBufferPointer

    /// Maps the file at `path`; links are followed, and a pipe is refused without waiting.
    init(_ path: String) throws(ExchangeError) {
        let descriptor = retryingInterrupts {
            unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        }
        guard descriptor >= 0 else {
            throw ExchangeError(path, .system(call: "open", number: errno))
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ExchangeError(path, .notARegularFile)
        }
        let size = Int(status.st_size)
        guard size > 0 else { throw ExchangeError(path, .unknownContainer("it is empty")) }
        guard let base = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
            unsafe base != MAP_FAILED
        else { throw ExchangeError(path, .system(call: "mmap", number: errno)) }
        self.path = path
        count = size
        unsafe bytes = UnsafeRawBufferPointer(start: base, count: size)
    }

    deinit { unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), count) }

    /// The bytes of a range, which must lie inside the file.
    func withBytes<Result, Failure: Error>(
        in range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count) bytes")
        return try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[range]).bytes)
    }

    /// A copy of some bytes, `nil` where they do not lie inside the file.
    func bytes(at offset: Int, count: Int) -> [UInt8]? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
            return nil
        }
        return unsafe Array(bytes[offset..<offset + count])
    }

    /// A little-endian number, `nil` where it does not lie inside the file.
    func integer<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type = Number.self, at offset: Int
    ) -> Number? {
        let size = MemoryLayout<Number>.size
        guard offset >= 0, offset <= count, size <= count - offset else { return nil }
        return unsafe Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }
}
