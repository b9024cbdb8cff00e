/// The bytes of a pickle, read one after the other.
struct PickleStream {
    let file: MappedFile
    /// The place of the next byte, from the beginning of the file.
    private(set) var position: Int
    /// The end of what may be read.
    let end: Int

    /// The longest name of a Python object.
    private static let longestLine = 256

    /// The bytes of `range`, which must lie inside the file.
    init(_ file: MappedFile, _ range: Range<Int>) {
        self.file = file
        (position, end) = (range.lowerBound, range.upperBound)
    }

    private var truncated: ExchangeError.Reason { .truncated(what: "a pickle", offset: end) }

    mutating func integer<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type
    ) throws(ExchangeError.Reason) -> Number {
        let size = MemoryLayout<Number>.size
        guard size <= end - position, let number = file.integer(type, at: position) else {
            throw truncated
        }
        position += size
        return number
    }

    /// The next bytes; their number is compared with what is left before it is believed.
    mutating func bytes(_ count: some BinaryInteger) throws(ExchangeError.Reason) -> [UInt8] {
        guard let count = Int(exactly: count), count >= 0, count <= end - position,
            let bytes = file.bytes(at: position, count: count)
        else { throw truncated }
        position += count
        return bytes
    }

    mutating func text(_ count: some BinaryInteger) throws(ExchangeError.Reason) -> String {
        String(decoding: try bytes(count), as: UTF8.self)
    }

    /// The text up to the end of the line.
    mutating func line() throws(ExchangeError.Reason) -> String {
        var line: [UInt8] = []
        while true {
            let byte = try integer(UInt8.self)
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
            guard line.count <= Self.longestLine else {
                throw .tooLarge(what: "a name in a pickle", limit: Self.longestLine)
            }
        }
    }
}
