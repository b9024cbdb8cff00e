/// Pickles and PyTorch's stream of them, written instruction by instruction for tests.
enum PickleBytes {
    static func pickle(_ body: [UInt8]) -> [UInt8] { [0x80, 2] + body + [UInt8(ascii: ".")] }

    static func text(_ text: String) -> [UInt8] {
        [UInt8(ascii: "X")] + little(UInt32(text.utf8.count)) + Array(text.utf8)
    }

    static func integer(_ number: Int) -> [UInt8] {
        [0x8A, 8] + little(UInt64(bitPattern: Int64(number)))
    }

    static func global(_ module: String, _ name: String) -> [UInt8] {
        Array("c\(module)\n\(name)\n".utf8)
    }

    static func tuple(_ items: [[UInt8]]) -> [UInt8] {
        [UInt8(ascii: "(")] + items.joined() + [UInt8(ascii: "t")]
    }

    static func list(_ items: [[UInt8]]) -> [UInt8] {
        [UInt8(ascii: "]"), UInt8(ascii: "(")] + items.joined() + [UInt8(ascii: "e")]
    }

    static func dictionary(_ items: [(String, [UInt8])]) -> [UInt8] {
        [UInt8(ascii: "}"), UInt8(ascii: "(")] + items.flatMap { text($0.0) + $0.1 }
            + [UInt8(ascii: "u")]
    }

    static func call(_ function: [UInt8], _ arguments: [[UInt8]]) -> [UInt8] {
        function + tuple(arguments) + [UInt8(ascii: "R")]
    }

    /// A tensor in a storage of `count` Floats.
    static func tensor(
        shape: [Int], strides: [Int], offset: Int = 0, key: String = "0", count: Int = 6,
        type: String = "FloatStorage"
    ) -> [UInt8] {
        let storage =
            tuple([
                text("storage"), global("torch", type), text(key), text("cpu"), integer(count),
            ]) + [UInt8(ascii: "Q")]
        return call(
            global("torch._utils", "_rebuild_tensor_v2"),
            [
                storage, integer(offset), tuple(shape.map(integer)), tuple(strides.map(integer)),
                [0x89], call(global("collections", "OrderedDict"), []),
            ])
    }

    /// The three pickles in front of the object.
    static var head: [UInt8] {
        let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        return pickle([0x8A, 10] + magic) + pickle(integer(1001))
            + pickle(dictionary([("little_endian", [0x88])]))
    }

    /// A stream with the given object; each storage is its number of elements and its bytes.
    static func stream(
        _ object: [UInt8], keys: [String] = ["0"], storages: [(count: Int, bytes: Int)] = [(6, 24)]
    ) -> [UInt8] {
        let numbers = storages.flatMap { storage in
            little(UInt64(bitPattern: Int64(storage.count)))
                + [UInt8](repeating: 0, count: storage.bytes)
        }
        return head + pickle(object) + pickle(list(keys.map(text))) + numbers
    }

    static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
