/// Zip files written field by field for tests.
struct ZipBytes {
    /// One entry; sizes and the offset may be lied about.
    struct Entry {
        var name: String
        var content: [UInt8]
        var method: UInt16 = 0
        var flags: UInt16 = 0
        var size: UInt32?
        var packed: UInt32?
        var offset: UInt32?
        var extra: [UInt8] = []
    }

    /// A file of the given entries; `count` and `start` are what its end says instead of the truth.
    static func file(_ entries: [Entry], count: UInt16? = nil, start: UInt32? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let offset = UInt32(bytes.count)
            bytes += [0x50, 0x4B, 3, 4] + header(entry, extra: 0)
            bytes += Array(entry.name.utf8) + entry.content
            directory += [0x50, 0x4B, 1, 2] + little(UInt16(20))
            directory += header(entry, extra: UInt16(entry.extra.count))
            directory += little(UInt16(0)) + little(UInt16(0)) + little(UInt16(0))
            directory += little(UInt32(0)) + little(entry.offset ?? offset)
            directory += Array(entry.name.utf8) + entry.extra
        }
        let end = UInt32(bytes.count)
        bytes += directory + [0x50, 0x4B, 5, 6] + little(UInt32(0))
        bytes += little(count ?? UInt16(entries.count)) + little(count ?? UInt16(entries.count))
        return bytes + little(UInt32(directory.count)) + little(start ?? end) + little(UInt16(0))
    }

    /// What an entry's own header and the directory have in common.
    private static func header(_ entry: Entry, extra: UInt16) -> [UInt8] {
        let size = UInt32(entry.content.count)
        return little(UInt16(20)) + little(entry.flags) + little(entry.method) + little(UInt32(0))
            + little(UInt32(0)) + little(entry.packed ?? size) + little(entry.size ?? size)
            + little(UInt16(entry.name.utf8.count)) + little(extra)
    }

    private static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        PickleBytes.little(number)
    }
}
