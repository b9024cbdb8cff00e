/// A value of a pickle.
///
/// What holds other values is kept in a `PickleHeap` and referred to by its place there, so that
/// values may share and even hold one another without recursion or leaks here.
enum PickleValue: Equatable {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer beyond 64 bits, as its little-endian bytes.
    case long([UInt8])
    case real(Double)
    case text(String)
    case bytes
    case global(PickleGlobal)
    /// A tuple or a list, by its place in the heap.
    case sequence(Int)
    case dictionary(Int)
    case storage(Int)
    case tensor(Int)
    /// What a harmless call that no tensor depends on would have returned.
    case opaque
}

/// What the values of one pickle hold and refer to.
struct PickleHeap {
    var sequences: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [PickledStorage] = []
    var tensors: [PickledTensor] = []

    /// Keeps a new tuple or list.
    mutating func sequence(_ items: [PickleValue]) -> PickleValue {
        sequences.append(items)
        return .sequence(sequences.count - 1)
    }

    /// Keeps a new dictionary.
    mutating func dictionary(
        _ items: [(key: PickleValue, value: PickleValue)] = []
    ) -> PickleValue {
        dictionaries.append(items)
        return .dictionary(dictionaries.count - 1)
    }

    /// The items of a tuple or a list.
    func items(_ value: PickleValue?) -> [PickleValue]? {
        guard case .sequence(let place) = value else { return nil }
        return sequences[place]
    }

    /// The extents or the strides of a tensor: a few integers.
    func integers(_ value: PickleValue?) -> [Int]? {
        guard let items = items(value), items.count <= StoredTensor.largestRank else { return nil }
        let numbers = items.compactMap { item -> Int? in
            guard case .integer(let number) = item else { return nil }
            return number
        }
        return numbers.count == items.count ? numbers : nil
    }

    /// The value of a text key; the last one counts, as in Python.
    func value(_ key: String, in dictionary: PickleValue?) -> PickleValue? {
        guard case .dictionary(let place) = dictionary else { return nil }
        return dictionaries[place].last { $0.key == .text(key) }?.value
    }
}

/// A storage as a pickle names it: where its numbers lie, the container tells.
struct PickledStorage: Equatable {
    /// The name that the container knows it by.
    let key: String
    let type: ElementType
    /// The number of elements of the whole storage.
    let count: Int
    /// The part of it that is meant, in elements; everything unless told.
    let part: Range<Int>
}

/// A tensor as a pickle describes it, not yet compared with anything.
struct PickledTensor: Equatable {
    let storage: Int
    let type: ElementType
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}

/// The Python objects that a pickle may name.
enum PickleGlobal: Equatable {
    case orderedDictionary
    case rebuildTensor
    case rebuildTypedTensor
    case rebuildParameter
    /// `torch.Size`: a tuple.
    case size
    case storage(ElementType)
    case elementType(ElementType)
    /// A constructor without effects whose result no tensor depends on.
    case opaque

    /// The object of a name such as `collections.OrderedDict`; every other is refused.
    init?(_ module: String, _ name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"):
            self = .rebuildTensor
        case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTypedTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", "Size"): self = .size
        // A loss or an accuracy that training scripts keep beside the weights.
        case ("numpy", "dtype"), ("numpy.core.multiarray", "scalar"),
            ("numpy._core.multiarray", "scalar"), ("_codecs", "encode"), ("torch", "device"):
            self = .opaque
        default:
            if ["torch", "torch.cuda", "torch.storage"].contains(module),
                let type = ElementType(storageClass: name)
            {
                self = .storage(type)
            } else if module == "torch", let type = ElementType(rawValue: name), type != .untyped {
                self = .elementType(type)
            } else {
                return nil
            }
        }
    }
}
