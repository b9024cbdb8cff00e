import Exchange
import Tensors
import TestSupport
import Testing

/// Pickles made to run something, to fill the memory or to read beyond the file.
struct HostilePickleTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The reason that a file of these bytes is refused.
    private func refusal(of bytes: [UInt8]) throws -> ExchangeError.Reason {
        let path = try folder.file(bytes)
        let error = try #require(throws: ExchangeError.self) {
            try ImportedNetwork(contentsOf: path)
        }
        #expect(error.path == path)
        #expect("\(error)".hasPrefix(path))
        return error.reason
    }

    private func refusal(ofObject object: [UInt8]) throws -> ExchangeError.Reason {
        try refusal(of: PickleBytes.stream(object))
    }

    /// The reason that an object without storages is refused.
    private func refusal(ofValue value: [UInt8]) throws -> ExchangeError.Reason {
        try refusal(of: PickleBytes.stream(value, keys: [], storages: []))
    }

    // MARK: - Calls

    @Test(arguments: [
        ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("__builtin__", "eval"),
        ("builtins", "exec"), ("builtins", "getattr"), ("subprocess", "Popen"),
        ("torch", "load"), ("torch.serialization", "load"), ("torch.jit", "load"),
        ("torchvision.models.resnet", "ResNet"), ("collections", "OrderedDict.fromkeys"),
        ("torch._utils", "_rebuild_qtensor"),
    ])
    func callsAreRefusedByName(module: String, name: String) throws {
        let expected = ExchangeError.Reason.forbiddenGlobal("\(module).\(name)")
        let call = PickleBytes.call(PickleBytes.global(module, name), [PickleBytes.text("true")])
        #expect(try refusal(ofObject: call) == expected)
        // The same by the instruction that takes the names from the stack.
        let named = PickleBytes.text(module) + PickleBytes.text(name) + [0x93]
        #expect(try refusal(ofObject: named) == expected)
        // Named and not called, inside of what is harmless.
        let hidden = PickleBytes.dictionary([("x", PickleBytes.global(module, name))])
        #expect(try refusal(ofObject: hidden) == expected)
    }

    @Test(arguments: [
        ("INST", Array("(ios\nsystem\n".utf8)), ("OBJ", [UInt8(ascii: "("), UInt8(ascii: "o")]),
        ("NEWOBJ", [0x29, 0x29, 0x81]), ("EXT1", [0x82, 1]), ("NEWOBJ_EX", [0x92]),
        ("PERSID", Array("Px\n".utf8)), ("0x49", Array("I1\n".utf8)),
    ])
    func instructionsThatMakeObjectsAreRefused(name: String, bytes: [UInt8]) throws {
        let reason = try refusal(ofObject: bytes)
        guard case .forbiddenInstruction(name, _) = reason else {
            Issue.record("\(reason)")
            return
        }
    }

    @Test func whatIsNoFunctionIsNotCalled() throws {
        let type = PickleBytes.global("torch", "FloatStorage")
        for object in [
            PickleBytes.call(type, []), PickleBytes.call(PickleBytes.text("os.system"), []),
            PickleBytes.call(PickleBytes.global("torch", "Size"), []),
            PickleBytes.global("torch", "Size") + [UInt8(ascii: "}"), UInt8(ascii: "b")],
        ] { try expectDamaged(object) }
    }

    private func expectDamaged(_ object: [UInt8]) throws {
        let reason = try refusal(ofObject: object)
        guard case .damaged = reason else {
            Issue.record("\(reason)")
            return
        }
    }

    // MARK: - Memory and recursion

    @Test func deepNestingIsHarmless() throws {
        let deep = [UInt8(ascii: "N")] + [UInt8](repeating: 0x85, count: 400_000)
        #expect(try refusal(ofValue: deep) == .noTensors)
        let marks = [UInt8](repeating: UInt8(ascii: "("), count: 400_000) + [UInt8(ascii: "N")]
        #expect(try refusal(ofValue: marks) == .noTensors)
    }

    @Test func aListThatHoldsItselfIsHarmless() throws {
        let list = Array("]q".utf8) + [0] + Array("h".utf8) + [0] + Array("a".utf8)
        #expect(try refusal(ofValue: list) == .noTensors)
        let dictionary =
            Array("}q".utf8) + [0] + PickleBytes.text("state_dict") + Array("h".utf8) + [0]
            + Array("s".utf8)
        #expect(try refusal(ofValue: dictionary) == .noTensors)
    }

    @Test func endlessPicklesAreRefused() throws {
        let pickle = [UInt8](repeating: UInt8(ascii: "]"), count: 600_000)
        guard case .tooLarge = try refusal(ofObject: pickle) else {
            Issue.record("not refused for its size")
            return
        }
    }

    @Test func aListThatIsCopiedAgainAndAgainIsRefused() throws {
        let pair = PickleBytes.tuple([PickleBytes.text("k"), [UInt8(ascii: "N")]])
        let list = PickleBytes.list([[UInt8]](repeating: pair, count: 1000))
        let call =
            PickleBytes.global("collections", "OrderedDict") + Array("h".utf8) + [0, 0x85]
            + Array("R".utf8)
        let calls = [[UInt8]](repeating: call, count: 1000).flatMap(\.self)
        let pickle: [UInt8] = list + [0x71, 0] + calls
        guard case .tooLarge = try refusal(ofObject: pickle) else {
            Issue.record("not refused for its size")
            return
        }
    }

    @Test func theMemoGivesOnlyWhatWasPut() throws {
        try expectDamaged(Array("h".utf8) + [9])
        try expectDamaged(Array("j".utf8) + [0xFF, 0xFF, 0xFF, 0xFF])
        try expectDamaged(Array("q".utf8) + [0])
        let far = Array("Nr".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]
        #expect(try refusal(ofValue: far) == .noTensors)
    }

    @Test(arguments: ["0", "1", "2", "t", "e", "a", "s", "u", "d", "R", "b", "Q", "(a", "(N0000"])
    func anEmptyStackIsRefused(instructions: String) throws {
        try expectDamaged(Array(instructions.utf8))
    }

    /// Instructions that take a text, bytes or a number of the length behind them.
    private static let longInstructions: [[UInt8]] = [
        [0x58, 0xF0, 0xFF, 0xFF, 0xFF],
        [0x8D, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        [0x42, 0xFF, 0xFF, 0xFF, 0x7F], [0x54, 0, 0, 0, 0x80], [0x8A, 0xFF],
    ]

    @Test(arguments: longInstructions)
    func lengthsBeyondTheFileAreRefused(bytes: [UInt8]) throws {
        let reason = try refusal(of: PickleBytes.head + [0x80, 2] + bytes)
        guard case .truncated = reason else {
            Issue.record("\(reason)")
            return
        }
    }

    @Test func endlessNamesAreRefused() throws {
        let name = Array("c".utf8) + [UInt8](repeating: UInt8(ascii: "a"), count: 5000)
        guard case .tooLarge = try refusal(ofObject: name) else {
            Issue.record("not refused for its size")
            return
        }
    }

    // MARK: - Storages and tensors

    @Test func theTensorOfTheseTestsIsRead() throws {
        let object = PickleBytes.dictionary([
            ("w", PickleBytes.tensor(shape: [2, 3], strides: [3, 1]))
        ])
        guard case .unknownLayout(let keys, _, _) = try refusal(ofObject: object) else {
            Issue.record("refused for another reason")
            return
        }
        #expect(keys == ["w"])
    }

    /// A view of a storage of six numbers, and what its refusal speaks of.
    struct View {
        let shape: [Int]
        let strides: [Int]
        let offset: Int
        let reason: String?

        init(_ shape: [Int], _ strides: [Int], _ offset: Int, _ reason: String?) {
            (self.shape, self.strides, self.offset, self.reason) = (shape, strides, offset, reason)
        }
    }

    private static let views: [View] = [
        View([2, 3], [3, -1], 2, "strides"), View([2, 3], [-3, 1], 3, "strides"),
        View([2, 3], [3, 1], 1, "reaches"), View([2, 3], [3, 1], -1, "begins"),
        View([2, 3], [3, 1], .max, "strides"), View([7], [1], 0, "reaches"),
        View([2, 3], [1, 1], 0, "overlaps"), View([1 << 40], [0], 0, "overlaps"),
        View([1 << 62, 4], [4, 1], 0, "strides"), View([-1, 3], [3, 1], 0, "shape"),
        View([2, 3], [3], 0, "1 strides"), View([6], [.max], 0, "strides"),
        View([1 << 62, 1 << 62, 0], [1, 1, 1], .max, nil),
    ]

    @Test(arguments: views)
    func tensorsStayInsideTheirStorage(view: View) throws {
        let tensor = PickleBytes.tensor(
            shape: view.shape, strides: view.strides, offset: view.offset)
        switch try refusal(ofObject: PickleBytes.dictionary([("w", tensor)])) {
        case .invalidTensor("w", let text): #expect(text.contains(view.reason ?? "-"), "\(text)")
        case .unknownLayout: #expect(view.reason == nil)
        case let other: Issue.record("\(other)")
        }
    }

    @Test func tensorsOfManyDimensionsAreRefused() throws {
        let ones = [Int](repeating: 1, count: 9)
        try expectDamaged(
            PickleBytes.dictionary([("w", PickleBytes.tensor(shape: ones, strides: ones))]))
    }

    @Test(arguments: [
        (6, 1 << 40, 24), (1 << 40, 1 << 40, 24), (6, 7, 24), (6, -1, 24), (7, 6, 24), (-1, -1, 0),
        (1 << 62, 1 << 62, 24), (6, 5, 24), (6, 6, 25), (6, 6, 23),
    ])
    func storagesAreWhatTheFileHolds(promised: Int, counted: Int, bytes: Int) throws {
        let object = PickleBytes.dictionary([
            ("w", PickleBytes.tensor(shape: [1], strides: [1], count: promised))
        ])
        switch try refusal(of: PickleBytes.stream(object, storages: [(counted, bytes)])) {
        case .invalidStorage, .damaged, .truncated: break
        case let other: Issue.record("\(other)")
        }
    }

    @Test func storagesAreListedOnceAndUsed() throws {
        let tensor = PickleBytes.tensor(shape: [1], strides: [1])
        let object = PickleBytes.dictionary([("w", tensor)])
        for keys in [[], ["1"], ["0", "0"], ["0", "1"]] {
            let bytes = PickleBytes.stream(
                object, keys: keys, storages: keys.map { _ in (6, 24) })
            switch try refusal(of: bytes) {
            case .invalidStorage, .damaged: break
            case let other: Issue.record("\(other)")
            }
        }
        let other = PickleBytes.tensor(shape: [1], strides: [1], count: 3, type: "DoubleStorage")
        let twoTypes = PickleBytes.dictionary([("w", tensor), ("v", other)])
        #expect(
            try refusal(ofObject: twoTypes) == .invalidStorage(key: "0", reason: "is of two types"))
    }

    // MARK: - Broken files

    @Test(arguments: ["tiny-legacy.pth", "tiny-zip.pth", "tiny.safetensors"])
    func everyTruncationIsRefused(name: String) throws {
        let bytes = try PyTorchFixture.tiny(name)
        guard case .unknownLayout(["w"], _, _) = try refusal(of: bytes) else {
            Issue.record("the whole file is not read")
            return
        }
        for count in 0..<bytes.count {
            if case .unknownLayout = try refusal(of: Array(bytes.prefix(count))) {
                Issue.record("\(count) of \(bytes.count) bytes are read as the whole")
            }
        }
    }

    @Test(arguments: ["tiny-legacy.pth", "tiny-zip.pth", "tiny.safetensors"])
    func changedBytesDoNoHarm(name: String) throws {
        let bytes = try PyTorchFixture.tiny(name)
        let seed: UInt64 = 20_260
        print("\(name) with changed bytes: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1500 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<changed.count, using: &random)
                changed[place] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try refusal(of: changed)
        }
    }
}
