import Exchange
import Testing

/// Zip files that PyTorch does not write.
struct ZipFilesTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let pickle = PickleBytes.pickle(
        PickleBytes.dictionary([("w", PickleBytes.tensor(shape: [2, 3], strides: [3, 1]))]))

    /// The entries of a file with one tensor.
    private static var entries: [ZipBytes.Entry] {
        [
            ZipBytes.Entry(name: "a/data.pkl", content: pickle),
            ZipBytes.Entry(name: "a/byteorder", content: Array("little".utf8)),
            ZipBytes.Entry(name: "a/data/0", content: [UInt8](repeating: 0, count: 24)),
        ]
    }

    private func refusal(of bytes: [UInt8]) throws -> ExchangeError.Reason {
        let path = try folder.file(bytes)
        return try #require(throws: ExchangeError.self) { try ImportedNetwork(contentsOf: path) }
            .reason
    }

    /// The reason that the file is refused after a change to its last entry.
    private func refusal(
        changing change: (inout ZipBytes.Entry) -> Void
    ) throws -> ExchangeError.Reason {
        var entries = Self.entries
        change(&entries[2])
        return try refusal(of: ZipBytes.file(entries))
    }

    private func expectZipEntry(_ reason: ExchangeError.Reason, _ text: String) {
        guard case .zipEntry(_, let found) = reason else {
            Issue.record("\(reason)")
            return
        }
        #expect(found.contains(text), "\(found)")
    }

    @Test func theFileOfTheseTestsIsRead() throws {
        guard case .unknownLayout(["w"], _, _) = try refusal(of: ZipBytes.file(Self.entries)) else {
            Issue.record("refused for another reason")
            return
        }
    }

    // A bomb needs compression or entries that share their bytes.
    @Test func bombsAreRefused() throws {
        expectZipEntry(
            try refusal {
                $0.method = 8
                $0.size = 1 << 31
            }, "compressed")
        expectZipEntry(try refusal { $0.size = 1 << 31 }, "stored in")
        var entries = Self.entries
        entries.append(ZipBytes.Entry(name: "a/data/0", content: []))
        expectZipEntry(try refusal(of: ZipBytes.file(entries)), "twice")
        // Two entries whose bytes are the same: the second begins inside the first.
        let inner = ZipBytes.file([ZipBytes.Entry(name: "a/data/1", content: [1, 2, 3, 4])])
        entries = Self.entries
        entries[2].content = Array(inner.prefix(30 + 8 + 4))
        let start = UInt32(30 * 3 + 10 + 11 + 8 + Self.pickle.count + 6)
        entries.append(ZipBytes.Entry(name: "a/data/1", content: [1, 2, 3, 4], offset: start))
        guard case .damaged(let what) = try refusal(of: ZipBytes.file(entries)) else {
            Issue.record("overlapping entries are read")
            return
        }
        #expect(what.contains("overlap"))
    }

    @Test(arguments: ["../data/0", "/etc/passwd", "a/../b", "a\\..\\b", "a//b", "a/", "", "a/\0"])
    func pathsAreRefused(name: String) throws {
        expectZipEntry(try refusal { $0.name = name }, "path")
    }

    @Test func encryptedEntriesAreRefused() throws {
        expectZipEntry(try refusal { $0.flags = 1 }, "encrypted")
    }

    @Test func entriesStayInsideTheFile() throws {
        expectZipEntry(
            try refusal {
                $0.size = 1 << 30
                $0.packed = 1 << 30
            }, "beyond")
        expectZipEntry(try refusal { $0.offset = 1 << 30 }, "not where")
        expectZipEntry(try refusal { $0.offset = 3 }, "not where")
        let sizes: [UInt8] = [1, 0, 16, 0] + [UInt8](repeating: 0xFF, count: 16)
        expectZipEntry(
            try refusal {
                $0.size = .max
                $0.packed = .max
                $0.extra = sizes
            }, "impossible")
        let large: [UInt8] =
            [1, 0, 16, 0] + [0, 0, 0, 0, 0, 0, 0, 0x7F, 0, 0, 0, 0, 0, 0, 0, 0x7F]
        expectZipEntry(
            try refusal {
                $0.size = .max
                $0.packed = .max
                $0.extra = large
            }, "beyond")
    }

    @Test func sixtyFourBitSizesAreRead() throws {
        let sizes: [UInt8] = [1, 0, 16, 0, 24, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0]
        let reason = try refusal {
            $0.size = .max
            $0.packed = .max
            $0.extra = sizes
        }
        guard case .unknownLayout(["w"], _, _) = reason else {
            Issue.record("\(reason)")
            return
        }
    }

    @Test func theDirectoryIsCompared() throws {
        for bytes in [
            ZipBytes.file(Self.entries, count: 4), ZipBytes.file(Self.entries, count: 2),
            ZipBytes.file(Self.entries, count: .max), ZipBytes.file(Self.entries, start: .max),
            ZipBytes.file(Self.entries, start: 0),
        ] {
            guard case .damaged = try refusal(of: bytes) else {
                Issue.record("read in spite of its directory")
                return
            }
        }
    }

    @Test func otherZipFilesAreTold() throws {
        let text = ZipBytes.Entry(name: "readme.txt", content: Array("hello".utf8))
        let program = ZipBytes.Entry(name: "a/constants.pkl", content: Self.pickle)
        let order = ZipBytes.Entry(name: "a/byteorder", content: Array("big".utf8))
        guard case .unknownContainer = try refusal(of: ZipBytes.file([text])),
            case .unknownContainer = try refusal(of: ZipBytes.file(Self.entries + [program])),
            case .unknownContainer = try refusal(of: ZipBytes.file([])),
            case .damaged = try refusal(of: ZipBytes.file([Self.entries[0], order]))
        else {
            Issue.record("taken for a file of PyTorch")
            return
        }
    }

    @Test func aStorageThatIsNotThereIsTold() throws {
        let reason = try refusal(of: ZipBytes.file(Array(Self.entries.prefix(2))))
        #expect(reason == .invalidStorage(key: "0", reason: "is not in the file"))
        guard case .invalidStorage = try refusal(changing: { $0.content.removeLast() }) else {
            Issue.record("a short storage is read")
            return
        }
    }
}
