import Tensors

/// A tensor as it lies in a file: a strided view whose every element is known to be inside.
///
/// Dimensions can be split, joined and put in another order without touching a number; what is
/// read in the end is already in the layout that is wanted.
struct StoredTensor {
    let type: ElementType
    /// The extents, outermost first.
    private(set) var shape: [Int]
    /// The step of each dimension in elements, none negative.
    private var strides: [Int]
    /// The place of the first element, in bytes from the beginning of the file.
    private let start: Int

    /// The most dimensions a tensor may have.
    static let largestRank = 8

    /// A view of a storage.
    ///
    /// - Parameters:
    ///   - type: Of the elements; `offset` and `strides` count in these.
    ///   - shape: The extents.
    ///   - strides: One for each extent.
    ///   - offset: Of the first element in the storage.
    ///   - storage: The bytes of the storage in the file.
    /// - Throws: What is wrong, as the end of a sentence that begins with "it".
    init(
        type: ElementType, shape: [Int], strides: [Int], offset: Int, storage: Range<Int>
    ) throws(Refusal) {
        guard shape.count <= Self.largestRank else {
            throw Refusal("has \(shape.count) dimensions")
        }
        guard strides.count == shape.count else {
            throw Refusal("has \(shape.count) dimensions and \(strides.count) strides")
        }
        guard shape.allSatisfy({ $0 >= 0 }) else { throw Refusal("has the shape \(shape)") }
        guard strides.allSatisfy({ $0 >= 0 }) else { throw Refusal("has the strides \(strides)") }
        guard offset >= 0 else { throw Refusal("begins at element \(offset)") }
        let isEmpty = shape.contains(0)
        if !isEmpty {
            let last = try Self.lastElement(shape, strides, offset)
            guard last < storage.count / type.size else {
                throw Refusal(
                    "reaches to element \(last) of a storage of \(storage.count / type.size)")
            }
            try Self.checkOverlap(shape, strides)
        }
        self.type = type
        self.shape = shape
        self.strides = strides
        start = isEmpty ? storage.lowerBound : storage.lowerBound + offset * type.size
    }

    /// A dense tensor that fills `storage`.
    init(type: ElementType, shape: [Int], filling storage: Range<Int>) throws(Refusal) {
        var (strides, step) = ([Int](repeating: 0, count: shape.count), 1)
        for index in shape.indices.reversed() {
            strides[index] = step
            let (product, overflow) = step.multipliedReportingOverflow(by: max(1, shape[index]))
            guard !overflow else { throw Refusal("has the shape \(shape)") }
            step = product
        }
        try self.init(type: type, shape: shape, strides: strides, offset: 0, storage: storage)
    }

    /// What is wrong with a tensor.
    struct Refusal: Error {
        let text: String

        init(_ text: String) { self.text = text }
    }

    private static func lastElement(
        _ shape: [Int], _ strides: [Int], _ offset: Int
    ) throws(Refusal) -> Int {
        var last = offset
        for (extent, stride) in zip(shape, strides) {
            let (reach, tooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflow) = last.addingReportingOverflow(reach)
            guard !tooFar, !overflow else {
                throw Refusal("has the shape \(shape) and the strides \(strides)")
            }
            last = sum
        }
        return last
    }

    /// No two positions may share an element, or a small file could ask for any amount of memory.
    private static func checkOverlap(_ shape: [Int], _ strides: [Int]) throws(Refusal) {
        var reach = 0
        let steps = zip(strides, shape).filter { $0.1 > 1 }.sorted { $0.0 < $1.0 }
        for (stride, extent) in steps {
            guard stride > reach else {
                throw Refusal("overlaps itself: its shape is \(shape), its strides \(strides)")
            }
            reach += (extent - 1) * stride
        }
    }
}

// MARK: - Other views of the same numbers

extension StoredTensor {
    /// The number of elements, which the storage bounds.
    var count: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }

    /// The bytes that the elements take in the file.
    var byteCount: Int { count * type.size }

    /// The dimensions in another order.
    func permuted(_ order: [Int]) -> StoredTensor {
        precondition(order.sorted() == Array(shape.indices), "\(order) for \(shape)")
        var view = self
        view.shape = order.map { shape[$0] }
        view.strides = order.map { strides[$0] }
        return view
    }

    /// One dimension as several, whose extents must multiply to its own.
    func split(_ dimension: Int, into extents: [Int]) -> StoredTensor {
        precondition(extents.reduce(1, *) == shape[dimension], "\(extents) for \(shape)")
        var (steps, step) = ([Int](), strides[dimension])
        for extent in extents.reversed() {
            steps.insert(step, at: 0)
            step *= extent
        }
        var view = self
        view.shape.replaceSubrange(dimension...dimension, with: extents)
        view.strides.replaceSubrange(dimension...dimension, with: steps)
        return view
    }
}

// MARK: - Reading

extension StoredTensor {
    /// The numbers in row-major order; `nil` where the type is not a floating-point one.
    func read(from file: MappedFile) -> [Float]? {
        guard count > 0 else { return [] }
        let reach = zip(shape, strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
        let range = start..<start + (reach + 1) * type.size
        return file.withBytes(in: range) { bytes in
            switch type {
            case .float64: gather(bytes, as: Double.self)
            case .float32: gather(bytes, as: Float.self)
            case .float16: gather(bytes, as: Float16.self)
            case .bfloat16: gather(bytes, as: BFloat16.self)
            default: nil
            }
        }
    }

    private func gather<Element: StoredElement>(
        _ bytes: RawSpan, as type: Element.Type
    ) -> [Float] {
        let size = MemoryLayout<Element>.size
        let (extent, step) = (shape.last ?? 1, (strides.last ?? 1) * size)
        var index = [Int](repeating: 0, count: max(0, shape.count - 1))
        return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            var row = 0
            while filled < count {
                for position in 0..<extent {
                    // Storages in a stream of pickles begin at any byte.
                    unsafe buffer[filled + position] =
                        bytes.unsafeLoadUnaligned(
                            fromByteOffset: row + position * step, as: Element.self
                        ).float
                }
                filled += extent
                row += advance(&index) * size
            }
        }
    }

    /// Steps to the next row and tells how many elements on it lies.
    private func advance(_ index: inout [Int]) -> Int {
        var distance = 0
        for dimension in index.indices.reversed() {
            index[dimension] += 1
            distance += strides[dimension]
            if index[dimension] < shape[dimension] { return distance }
            distance -= index[dimension] * strides[dimension]
            index[dimension] = 0
        }
        return distance
    }
}
