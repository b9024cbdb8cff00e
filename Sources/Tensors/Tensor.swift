/// A dense, row-major array of numbers with a shape.
public struct Tensor<Element: BitwiseCopyable & Sendable>: Sendable {
    /// The extents, outermost first.
    public let shape: Shape

    /// The elements in row-major order, `shape.count` of them.
    public var elements: [Element] {
        didSet {
            precondition(
                elements.count == shape.count, "\(elements.count) elements for shape \(shape)")
        }
    }

    /// A tensor of the given elements.
    ///
    /// - Parameters:
    ///   - elements: Row-major, exactly `shape.count` of them.
    ///   - shape: The extents, outermost first.
    public init(_ elements: [Element], shape: Shape) {
        precondition(elements.count == shape.count, "\(elements.count) elements for shape \(shape)")
        self.elements = elements
        self.shape = shape
    }

    /// A tensor whose elements are all `value`.
    public init(repeating value: Element, shape: Shape) {
        self.init([Element](repeating: value, count: shape.count), shape: shape)
    }

    /// The number of elements.
    public var count: Int { elements.count }

    /// The same elements seen with another shape of the same count.
    public func reshaped(to shape: Shape) -> Tensor {
        Tensor(elements, shape: shape)
    }

    /// The number of elements in one row, where a row is everything below the first dimension.
    public var rowSize: Int {
        shape.rank == 0 ? 1 : shape.extents.dropFirst().reduce(1, *)
    }

    /// One row: the elements that share the first index `row`.
    public subscript(row row: Int) -> ArraySlice<Element> {
        let width = rowSize
        return elements[row * width..<(row + 1) * width]
    }

    /// The tensor made of the given rows, in the given order.
    public func rows(at indices: some Sequence<Int>) -> Tensor {
        var result: [Element] = []
        var count = 0
        for index in indices {
            result += self[row: index]
            count += 1
        }
        return Tensor(result, shape: Shape([count] + shape.extents.dropFirst()))
    }
}

extension Tensor: Equatable where Element: Equatable {}
