/// The directory of a zip file whose entries are stored as they are.
///
/// PyTorch never compresses, so a compressed entry is refused and no entry can be larger than
/// the file. Checksums are not compared: PyTorch can be told to leave them out.
///
/// Source: PKWARE, "APPNOTE.TXT", version 6.3.10, sections 4.3 to 4.5.
struct ZipDirectory {
    /// The place of each entry's bytes in the file, by name.
    private(set) var entries: [String: Range<Int>] = [:]

    private let file: MappedFile

    /// The most entries: a network has some hundreds.
    static let mostEntries = 1 << 16

    private enum Signature {
        static let local: UInt32 = 0x0403_4B50
        static let end: UInt32 = 0x0605_4B50
        static let end64: UInt32 = 0x0606_4B50
        static let locator64: UInt32 = 0x0706_4B50
    }

    /// Reads the directory at the end of the file and checks every entry.
    init(_ file: MappedFile) throws(ExchangeError.Reason) {
        self.file = file
        let (start, size, count) = try Self.findDirectory(file)
        guard count <= Self.mostEntries else {
            throw .tooLarge(what: "\(count) zip entries", limit: Self.mostEntries)
        }
        var position = start
        var places: [Range<Int>] = []
        for _ in 0..<count {
            let entry = try CentralEntry(file, at: position, end: start + size)
            position = entry.end
            guard entries[entry.name] == nil else {
                throw .zipEntry(name: entry.name, reason: "occurs twice")
            }
            let place = try place(of: entry, before: start)
            entries[entry.name] = place.data
            places.append(place.whole)
        }
        guard position == start + size else { throw .damaged("its zip directory is too long") }
        try Self.checkOverlap(places)
    }

    /// Entries that share bytes make a small file seem large.
    private static func checkOverlap(_ places: [Range<Int>]) throws(ExchangeError.Reason) {
        var end = 0
        for place in places.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard place.lowerBound >= end else {
                throw .damaged("two of its zip entries overlap at byte \(place.lowerBound)")
            }
            end = place.upperBound
        }
    }

    // MARK: - The end of the file

    private static func findDirectory(
        _ file: MappedFile
    ) throws(ExchangeError.Reason) -> (start: Int, size: Int, count: Int) {
        let longestComment = 0xFFFF
        var end = file.count - 22
        let lowest = max(0, end - longestComment)
        while end >= lowest, !isEnd(file, at: end) { end -= 1 }
        guard end >= lowest else {
            throw .truncated(what: "a zip file without a directory", offset: file.count)
        }
        var directory = (
            start: Int(field(file, UInt32.self, end + 16)),
            size: Int(field(file, UInt32.self, end + 12)),
            count: Int(field(file, UInt16.self, end + 10))
        )
        var limit = end
        if end >= 20, file.integer(UInt32.self, at: end - 20) == Signature.locator64 {
            (directory, limit) = try findDirectory64(file, locator: end - 20)
        }
        // An entry takes at least 46 bytes of the directory.
        guard directory.size <= limit, directory.start <= limit - directory.size,
            directory.count <= directory.size / 46
        else { throw .damaged("its zip directory reaches beyond its end") }
        return directory
    }

    private static func isEnd(_ file: MappedFile, at offset: Int) -> Bool {
        file.integer(UInt32.self, at: offset) == Signature.end
            && offset + 22 + Int(field(file, UInt16.self, offset + 20)) == file.count
    }

    private static func findDirectory64(
        _ file: MappedFile, locator: Int
    ) throws(ExchangeError.Reason) -> ((start: Int, size: Int, count: Int), limit: Int) {
        guard let end = Int(exactly: field(file, UInt64.self, locator + 8)),
            end <= locator - 56, file.integer(UInt32.self, at: end) == Signature.end64,
            let start = Int(exactly: field(file, UInt64.self, end + 48)),
            let size = Int(exactly: field(file, UInt64.self, end + 40)),
            let count = Int(exactly: field(file, UInt64.self, end + 32))
        else { throw .damaged("its zip directory reaches beyond its end") }
        return ((start, size, count), end)
    }

    /// A number whose place was checked.
    private static func field<Number: FixedWidthInteger & BitwiseCopyable>(
        _ file: MappedFile, _ type: Number.Type, _ offset: Int
    ) -> Number {
        file.integer(type, at: offset) ?? 0
    }

    // MARK: - Entries

    /// Compares the entry's own header with the directory.
    private func place(
        of entry: CentralEntry, before limit: Int
    ) throws(ExchangeError.Reason) -> (whole: Range<Int>, data: Range<Int>) {
        let start = entry.offset
        guard start >= 0, start <= limit - 30,
            file.integer(UInt32.self, at: start) == Signature.local,
            let nameLength = file.integer(UInt16.self, at: start + 26),
            let extraLength = file.integer(UInt16.self, at: start + 28),
            file.bytes(at: start + 30, count: Int(nameLength)) == Array(entry.name.utf8)
        else { throw .zipEntry(name: entry.name, reason: "is not where the directory says") }
        let data = start + 30 + Int(nameLength) + Int(extraLength)
        guard entry.size >= 0, data <= limit, entry.size <= limit - data else {
            throw .zipEntry(name: entry.name, reason: "reaches beyond the end of the file")
        }
        return (start..<data + entry.size, data..<data + entry.size)
    }
}

/// What the directory says of one entry.
private struct CentralEntry {
    let name: String
    private(set) var size: Int
    private(set) var offset: Int
    /// Where the next entry begins.
    let end: Int

    private static let signature: UInt32 = 0x0201_4B50

    init(_ file: MappedFile, at start: Int, end limit: Int) throws(ExchangeError.Reason) {
        guard start <= limit - 46, file.integer(UInt32.self, at: start) == Self.signature,
            let flags = file.integer(UInt16.self, at: start + 8),
            let method = file.integer(UInt16.self, at: start + 10),
            let packed = file.integer(UInt32.self, at: start + 20),
            let size = file.integer(UInt32.self, at: start + 24),
            let nameLength = file.integer(UInt16.self, at: start + 28),
            let extraLength = file.integer(UInt16.self, at: start + 30),
            let commentLength = file.integer(UInt16.self, at: start + 32),
            let offset = file.integer(UInt32.self, at: start + 42),
            let name = file.bytes(at: start + 46, count: Int(nameLength)),
            let extra = file.bytes(at: start + 46 + Int(nameLength), count: Int(extraLength))
        else { throw .damaged("its zip directory is no list of entries") }
        self.name = String(decoding: name, as: UTF8.self)
        self.size = Int(size)
        self.offset = Int(offset)
        end = start + 46 + Int(nameLength) + Int(extraLength) + Int(commentLength)
        guard end <= limit else { throw .damaged("its zip directory is cut short") }
        try Self.checkName(self.name)
        guard method == 0 else {
            throw .zipEntry(name: self.name, reason: "is compressed (method \(method))")
        }
        guard flags & 1 == 0 else { throw .zipEntry(name: self.name, reason: "is encrypted") }
        var packedSize = Int(packed)
        try readExtra(extra, packed: &packedSize)
        guard packedSize == self.size else {
            throw .zipEntry(
                name: self.name, reason: "has \(self.size) bytes stored in \(packedSize)")
        }
    }

    /// A name must stay inside the archive: nothing is unpacked here, but no file of PyTorch has
    /// other names.
    private static func checkName(_ name: String) throws(ExchangeError.Reason) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain =
            !name.isEmpty && !name.unicodeScalars.contains { $0.value < 0x20 || $0 == "\\" }
            && !parts.contains { $0.isEmpty || $0 == ".." || $0 == "." }
        guard isPlain else { throw .zipEntry(name: name, reason: "has a path for a name") }
    }

    /// The 64-bit sizes and offset that stand for those of 0xFFFFFFFF (extra field 1).
    private mutating func readExtra(
        _ extra: [UInt8], packed: inout Int
    ) throws(ExchangeError.Reason) {
        var rest = extra[...]
        while rest.count >= 4 {
            let kind = Int(rest.removeFirst()) | Int(rest.removeFirst()) << 8
            let length = Int(rest.removeFirst()) | Int(rest.removeFirst()) << 8
            guard length <= rest.count else { break }
            if kind == 1 { try read64(rest.prefix(length), packed: &packed) }
            rest = rest.dropFirst(length)
        }
    }

    private mutating func read64(
        _ field: ArraySlice<UInt8>, packed: inout Int
    ) throws(ExchangeError.Reason) {
        var field = field
        func next(_ current: Int) throws(ExchangeError.Reason) -> Int {
            guard current == 0xFFFF_FFFF else { return current }
            let number = field.prefix(8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            guard field.count >= 8, let value = Int(exactly: number) else {
                throw .zipEntry(name: name, reason: "has an impossible size")
            }
            field = field.dropFirst(8)
            return value
        }
        size = try next(size)
        packed = try next(packed)
        offset = try next(offset)
    }
}
