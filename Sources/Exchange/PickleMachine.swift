/// The stack machine that a pickle is a program for, with only what state dictionaries need.
///
/// Nothing is executed: a call yields a tensor's description, a dictionary or nothing of interest,
/// and an object or an instruction that is not known is refused by name. Memory is bounded by
/// the number of instructions, and no part is recursive.
///
/// Source: Python's `pickletools`, protocols 2 to 5.
struct PickleMachine {
    private(set) var heap = PickleHeap()
    private var stream: PickleStream
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    /// The values that calls have copied.
    private var copies = 0

    /// The most instructions that are run: some fifty times what a network of 300 tensors needs,
    /// and few enough that no pickle fills the memory.
    static let mostInstructions = 1 << 19

    private init(_ stream: PickleStream) { self.stream = stream }

    /// Runs one pickle.
    ///
    /// - Parameter stream: Where it begins; moved behind its end.
    /// - Returns: Its value and what that refers to.
    /// - Throws: The reason it is refused.
    static func run(
        _ stream: inout PickleStream
    ) throws(ExchangeError.Reason) -> (value: PickleValue, heap: PickleHeap) {
        var machine = PickleMachine(stream)
        for _ in 0..<mostInstructions {
            let instruction = try machine.stream.integer(UInt8.self)
            if instruction == UInt8(ascii: ".") {
                let value = try machine.pop()
                stream = machine.stream
                return (value, machine.heap)
            }
            try machine.run(instruction)
        }
        throw .tooLarge(what: "a pickle of many instructions", limit: mostInstructions)
    }

    private func damaged(_ what: String) -> ExchangeError.Reason {
        .damaged("\(what) in the pickle before byte \(stream.position)")
    }

    // MARK: - Instructions

    private mutating func run(_ instruction: UInt8) throws(ExchangeError.Reason) {
        if let value = try constant(instruction) {
            stack.append(value)
            return
        }
        switch instruction {
        case 0x80: try checkProtocol()
        case 0x95: _ = try stream.integer(UInt64.self)  // FRAME: how far to read ahead.
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "0"): try discard()
        case UInt8(ascii: "1"): _ = try popMark()
        case UInt8(ascii: "2"): stack.append(try top())
        case UInt8(ascii: "q"): try remember(Int(stream.integer(UInt8.self)))
        case UInt8(ascii: "r"): try remember(Int(stream.integer(UInt32.self)))
        case 0x94: try remember(memo.count)
        case UInt8(ascii: "h"): try recall(Int(stream.integer(UInt8.self)))
        case UInt8(ascii: "j"): try recall(Int(stream.integer(UInt32.self)))
        case UInt8(ascii: "t"): try pushSequence(popMark())
        case 0x85, 0x86, 0x87: try pushSequence(pop(Int(instruction - 0x84)))
        case UInt8(ascii: "a"): try extend([pop()])
        case UInt8(ascii: "e"): try extend(popMark())
        case UInt8(ascii: "s"): try setItems(pop(2))
        case UInt8(ascii: "u"): try setItems(popMark())
        case UInt8(ascii: "d"): try pushDictionary()
        case UInt8(ascii: "l"): try pushSequence(popMark())
        case UInt8(ascii: "Q"): stack.append(try storage(pop()))
        case UInt8(ascii: "R"): try call()
        case UInt8(ascii: "b"): try build()
        case UInt8(ascii: "c"): try pushGlobal(stream.line(), stream.line())
        case 0x93:
            let names = try pop(2)
            guard case (.text(let module), .text(let name)) = (names[0], names[1]) else {
                throw damaged("an object without a name")
            }
            try pushGlobal(module, name)
        default:
            throw .forbiddenInstruction(Self.name(of: instruction), offset: stream.position - 1)
        }
    }

    /// The value of an instruction that pushes a constant.
    private mutating func constant(
        _ instruction: UInt8
    ) throws(ExchangeError.Reason) -> PickleValue? {
        switch instruction {
        case UInt8(ascii: "N"): return PickleValue.none
        case 0x88: return .bool(true)
        case 0x89: return .bool(false)
        case UInt8(ascii: "K"): return .integer(Int(try stream.integer(UInt8.self)))
        case UInt8(ascii: "M"): return .integer(Int(try stream.integer(UInt16.self)))
        case UInt8(ascii: "J"): return .integer(Int(try stream.integer(Int32.self)))
        case 0x8A: return Self.long(try stream.bytes(stream.integer(UInt8.self)))
        case UInt8(ascii: "G"):
            return .real(Double(bitPattern: try stream.integer(UInt64.self).byteSwapped))
        case UInt8(ascii: "U"), 0x8C: return .text(try stream.text(stream.integer(UInt8.self)))
        case UInt8(ascii: "T"), UInt8(ascii: "X"):
            return .text(try stream.text(stream.integer(UInt32.self)))
        case 0x8D: return .text(try stream.text(stream.integer(UInt64.self)))
        case UInt8(ascii: "C"):
            _ = try stream.bytes(stream.integer(UInt8.self))
            return .bytes
        case UInt8(ascii: "B"):
            _ = try stream.bytes(stream.integer(UInt32.self))
            return .bytes
        case UInt8(ascii: ")"), UInt8(ascii: "]"): return heap.sequence([])
        case UInt8(ascii: "}"): return heap.dictionary()
        default: return nil
        }
    }

    private mutating func checkProtocol() throws(ExchangeError.Reason) {
        let version = try stream.integer(UInt8.self)
        guard (2...5).contains(version) else { throw damaged("the protocol \(version)") }
    }

    private static func long(_ bytes: [UInt8]) -> PickleValue {
        guard bytes.count <= 8 else { return .long(bytes) }
        let isNegative = (bytes.last ?? 0) >= 0x80
        return .integer(bytes.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) })
    }

    /// The name of an instruction for people, where it is one that an attack would use.
    private static func name(of instruction: UInt8) -> String {
        let names: [UInt8: String] = [
            UInt8(ascii: "i"): "INST", UInt8(ascii: "o"): "OBJ", UInt8(ascii: "P"): "PERSID",
            0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x8B: "LONG4",
            0x8E: "BINBYTES8", 0x92: "NEWOBJ_EX", 0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER",
        ]
        return names[instruction] ?? "0x" + String(instruction, radix: 16)
    }

    // MARK: - The stack and the memo

    private func top() throws(ExchangeError.Reason) -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.last else {
            throw damaged("an empty stack")
        }
        return value
    }

    private mutating func pop() throws(ExchangeError.Reason) -> PickleValue {
        let value = try top()
        stack.removeLast()
        return value
    }

    private mutating func pop(_ count: Int) throws(ExchangeError.Reason) -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw damaged("an empty stack") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popMark() throws(ExchangeError.Reason) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw damaged("a mark that was not set") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    /// Drops the last value, or the last mark where none lies above it.
    private mutating func discard() throws(ExchangeError.Reason) {
        if marks.last == stack.count {
            marks.removeLast()
        } else {
            _ = try pop()
        }
    }

    private mutating func remember(_ place: Int) throws(ExchangeError.Reason) {
        memo[place] = try top()
    }

    private mutating func recall(_ place: Int) throws(ExchangeError.Reason) {
        guard let value = memo[place] else { throw damaged("the unknown value \(place)") }
        stack.append(value)
    }

    // MARK: - Containers

    private mutating func pushSequence(_ items: [PickleValue]) {
        stack.append(heap.sequence(items))
    }

    private mutating func pushDictionary() throws(ExchangeError.Reason) {
        let items = try popMark()
        stack.append(heap.dictionary())
        try setItems(items)
    }

    private mutating func extend(_ items: [PickleValue]) throws(ExchangeError.Reason) {
        guard case .sequence(let place) = try top() else { throw damaged("a list that is none") }
        heap.sequences[place] += items
    }

    private mutating func setItems(_ items: [PickleValue]) throws(ExchangeError.Reason) {
        guard case .dictionary(let place) = try top(), items.count.isMultiple(of: 2) else {
            throw damaged("a dictionary that is none")
        }
        for index in stride(from: 0, to: items.count, by: 2) {
            heap.dictionaries[place].append((items[index], items[index + 1]))
        }
    }
}

// MARK: - What would be calls

extension PickleMachine {
    private mutating func pushGlobal(
        _ module: String, _ name: String
    ) throws(ExchangeError.Reason) {
        guard let global = PickleGlobal(module, name) else {
            throw .forbiddenGlobal("\(module).\(name)")
        }
        stack.append(.global(global))
    }

    private mutating func call() throws(ExchangeError.Reason) {
        let values = try pop(2)
        guard case .global(let global) = values[0], let arguments = heap.items(values[1]) else {
            throw damaged("a call of what is no object")
        }
        switch global {
        case .orderedDictionary: stack.append(try orderedDictionary(arguments))
        case .rebuildTensor: stack.append(try tensor(arguments, type: nil))
        case .rebuildTypedTensor:
            guard arguments.count > 6, case .global(.elementType(let type)) = arguments[6] else {
                throw damaged("a tensor without a type")
            }
            stack.append(try tensor(arguments, type: type))
        case .rebuildParameter:
            guard case .tensor = arguments.first else { throw damaged("an empty parameter") }
            stack.append(arguments[0])
        case .size:
            guard arguments.count == 1, case .sequence = arguments[0] else {
                throw damaged("a size that is none")
            }
            stack.append(arguments[0])
        case .opaque: stack.append(.opaque)
        case .storage, .elementType: throw damaged("a call of a type")
        }
    }

    /// Python 3 fills it afterwards, Python 2 gives the pairs.
    private mutating func orderedDictionary(
        _ arguments: [PickleValue]
    ) throws(ExchangeError.Reason) -> PickleValue {
        var items: [(key: PickleValue, value: PickleValue)] = []
        let pairs = heap.items(arguments.first) ?? []
        // A list that many dictionaries are made of would multiply.
        copies += pairs.count
        guard copies <= Self.mostInstructions else {
            throw .tooLarge(what: "a pickle of many pairs", limit: Self.mostInstructions)
        }
        for pair in pairs {
            guard let pair = heap.items(pair), pair.count == 2 else {
                throw damaged("a dictionary without pairs")
            }
            items.append((pair[0], pair[1]))
        }
        return heap.dictionary(items)
    }

    /// A tensor of (storage, offset, shape, strides, …).
    private mutating func tensor(
        _ arguments: [PickleValue], type: ElementType?
    ) throws(ExchangeError.Reason) -> PickleValue {
        guard arguments.count >= 4, case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1],
            let shape = heap.integers(arguments[2]), let strides = heap.integers(arguments[3])
        else { throw damaged("a tensor without a storage, an offset, a shape or strides") }
        heap.tensors.append(
            PickledTensor(
                storage: storage, type: type ?? heap.storages[storage].type, offset: offset,
                shape: shape, strides: strides))
        return .tensor(heap.tensors.count - 1)
    }

    /// A storage of ('storage', class, key, device, count) and, in old files, a part of it.
    private mutating func storage(
        _ identifier: PickleValue
    ) throws(ExchangeError.Reason) -> PickleValue {
        guard let items = heap.items(identifier), items.count >= 5, items[0] == .text("storage"),
            case .global(.storage(let type)) = items[1], case .text(let key) = items[2],
            case .integer(let count) = items[4], count >= 0
        else { throw damaged("a storage without a type, a key or a count") }
        var part = 0..<count
        // (key, offset, count)
        if items.count > 5, let view = heap.items(items[5]) {
            guard view.count == 3, case .integer(let offset) = view[1],
                case .integer(let length) = view[2], offset >= 0, length >= 0,
                length <= count, offset <= count - length
            else { throw damaged("a part of a storage that is none") }
            part = offset..<offset + length
        }
        heap.storages.append(PickledStorage(key: key, type: type, count: count, part: part))
        return .storage(heap.storages.count - 1)
    }

    /// Sets attributes: those of a dictionary and of what is not of interest are dropped.
    private mutating func build() throws(ExchangeError.Reason) {
        let values = try pop(2)
        switch values[0] {
        case .dictionary, .opaque: stack.append(values[0])
        default: throw damaged("attributes of what has none")
        }
    }
}
