import Files
import Model

/// A file mapped into memory, read only, every access checked against its size.
///
/// A file that another program cuts short while it is read ends this program, as for every mapped
/// file.
final class MappedFile {
    let path: String
    /// The size in bytes.
    let count: Int

    private let mapping: FileMapping

    /// Maps the file at `path`; links are followed, and a pipe is refused without waiting.
    init(_ path: String) throws(ExchangeError) {
        self.path = path
        do {
            let file = try OpenFile(reading: FilePath(path))
            let status = try file.status()
            guard status.kind == .regular else { throw ExchangeError(path, .notARegularFile) }
            count = Int(status.identity.size)
            guard count > 0 else { throw ExchangeError(path, .unknownContainer("it is empty")) }
            mapping = try FileMapping(file, count: count)
        } catch let error as SystemCallError {
            throw ExchangeError(path, .system(call: error.call, number: error.number))
        } catch let error as ExchangeError {
            throw error
        } catch { preconditionFailure("unexpected \(error)") }
    }

    /// The bytes of a range, which must lie inside the file.
    func withBytes<Result, Failure: Error>(
        in range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count) bytes")
        return try unsafe body(UnsafeRawBufferPointer(rebasing: mapping.bytes[range]).bytes)
    }

    /// A copy of some bytes, `nil` where they do not lie inside the file.
    func bytes(at offset: Int, count: Int) -> [UInt8]? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
            return nil
        }
        return unsafe Array(mapping.bytes[offset..<offset + count])
    }

    /// A little-endian number, `nil` where it does not lie inside the file.
    func integer<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type = Number.self, at offset: Int
    ) -> Number? {
        let size = MemoryLayout<Number>.size
        guard offset >= 0, offset <= count, size <= count - offset else { return nil }
        return unsafe Number(
            littleEndian: mapping.bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }
}
