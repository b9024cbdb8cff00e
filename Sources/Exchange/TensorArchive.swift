import Model

/// The named tensors of a file of whichever format.
struct TensorArchive {
    /// The formats that are read.
    enum Container: String {
        case legacy = "PyTorch stream of pickles"
        case zip = "PyTorch zip"
        case safetensors = "safetensors"
    }

    let file: MappedFile
    let container: Container
    /// Every tensor by the name it has in the file.
    let tensors: [String: StoredTensor]
    /// The strings of a safetensors file's header.
    var metadata: [String: String] = [:]
    /// The number of epochs trained, where the file says so.
    var epochs: Int?

    /// Opens the file at `path` in the format that its first bytes tell.
    static func open(_ path: String) throws(ExchangeError) -> TensorArchive {
        let file = try MappedFile(path)
        do throws(ExchangeError.Reason) {
            switch file.bytes(at: 0, count: min(4, file.count)) ?? [] {
            case [0x50, 0x4B, 0x03, 0x04], [0x50, 0x4B, 0x05, 0x06]:
                return try ZipArchive.read(file)
            case let start where start.first == 0x80:
                return try LegacyArchive.read(file)
            default: return try SafetensorsArchive.read(file)
            }
        } catch {
            throw ExchangeError(path, error)
        }
    }
}

// MARK: - From a pickle

extension TensorArchive {
    /// The names under which training scripts keep a network's tensors beside other things.
    private static let dictionaryNames = ["state_dict", "model", "model_state_dict", "net"]

    /// The tensors of an unpickled value.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - container: Its format.
    ///   - pickle: A dictionary of tensors, or one that holds such a dictionary.
    ///   - storages: The bytes of each storage in the file, by key.
    /// - Throws: The reason it is refused.
    init(
        _ file: MappedFile, _ container: Container,
        pickle: (value: PickleValue, heap: PickleHeap), storages: [String: Range<Int>]
    ) throws(ExchangeError.Reason) {
        let heap = pickle.heap
        let nested = Self.dictionaryNames.compactMap { heap.value($0, in: pickle.value) }
            .first { if case .dictionary = $0 { true } else { false } }
        guard case .dictionary(let place) = nested ?? pickle.value else { throw .noTensors }
        var tensors: [String: StoredTensor] = [:]
        for (key, value) in heap.dictionaries[place] {
            guard case .text(let name) = key, case .tensor(let index) = value else { continue }
            tensors[name] = try StoredTensor(
                name, heap.tensors[index], in: heap, storages: storages)
        }
        guard !tensors.isEmpty else { throw .noTensors }
        self.init(file: file, container: container, tensors: tensors)
        if case .integer(let epochs) = heap.value("epoch", in: pickle.value),
            (0...1_000_000).contains(epochs)
        {
            self.epochs = epochs
        }
    }
}

extension StoredTensor {
    /// The tensor that a pickle describes, compared with the storage it lies in.
    fileprivate init(
        _ name: String, _ tensor: PickledTensor, in heap: PickleHeap,
        storages: [String: Range<Int>]
    ) throws(ExchangeError.Reason) {
        let storage = heap.storages[tensor.storage]
        guard let bytes = storages[storage.key] else {
            throw .invalidStorage(key: storage.key, reason: "is not in the file")
        }
        let size = storage.type.size
        guard bytes.count / size == storage.count, bytes.count % size == 0 else {
            throw .invalidStorage(
                key: storage.key,
                reason: "has \(bytes.count) bytes, not \(storage.count) elements of \(size)")
        }
        let start = bytes.lowerBound + storage.part.lowerBound * size
        do throws(Refusal) {
            try self.init(
                type: tensor.type, shape: tensor.shape, strides: tensor.strides,
                offset: tensor.offset,
                storage: start..<start + storage.part.count * size)
        } catch {
            throw .invalidTensor(name: name, reason: error.text)
        }
    }
}
