/// The format of PyTorch before 1.6: five pickles one after the other, then the storages.
///
/// The pickles are a magic number, a version, facts about the machine, the object, and the keys of
/// the storages; each storage is its number of elements and the elements.
///
/// Source: `torch/serialization.py` (`_legacy_save`).
enum LegacyArchive {
    /// 0x1950A86A20F9469CFC6C, little-endian.
    private static let magic: [UInt8] = [
        0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]
    private static let version = 1001

    static func read(_ file: MappedFile) throws(ExchangeError.Reason) -> TensorArchive {
        var stream = PickleStream(file, 0..<file.count)
        let magic = try PickleMachine.run(&stream).value
        guard magic == .long(Self.magic) else {
            throw .unknownContainer("it is a pickle, and not one that torch.save wrote")
        }
        guard try PickleMachine.run(&stream).value == .integer(version) else {
            throw .damaged("its version is not \(version)")
        }
        let machine = try PickleMachine.run(&stream)
        guard machine.heap.value("little_endian", in: machine.value) == .bool(true) else {
            throw .damaged("it was not written by a little-endian machine")
        }
        let object = try PickleMachine.run(&stream)
        let keys = try PickleMachine.run(&stream)
        let storages = try place(
            keys.heap.items(keys.value) ?? [], object.heap, file, from: stream.position)
        return try TensorArchive(file, .legacy, pickle: object, storages: storages)
    }

    /// Walks over the storages behind the pickles.
    private static func place(
        _ keys: [PickleValue], _ heap: PickleHeap, _ file: MappedFile, from start: Int
    ) throws(ExchangeError.Reason) -> [String: Range<Int>] {
        var types: [String: ElementType] = [:]
        for storage in heap.storages {
            let other = types.updateValue(storage.type, forKey: storage.key)
            guard other == nil || other == storage.type else {
                throw .invalidStorage(key: storage.key, reason: "is of two types")
            }
        }
        var places: [String: Range<Int>] = [:]
        var position = start
        for key in keys {
            guard case .text(let key) = key, let type = types[key], places[key] == nil else {
                throw .damaged("its list of storages is not that of its tensors")
            }
            guard let count = file.integer(Int64.self, at: position) else {
                throw .truncated(what: "the storages", offset: file.count)
            }
            position += 8
            guard count >= 0, count <= (file.count - position) / type.size else {
                throw .invalidStorage(
                    key: key, reason: "says it has \(count) elements, more than the file holds")
            }
            let size = Int(count) * type.size
            places[key] = position..<position + size
            position += size
        }
        guard position == file.count else {
            throw .damaged("\(file.count - position) bytes follow its last storage")
        }
        return places
    }
}
