/// The extents of a dense row-major array, outermost first.
///
/// Activations are `[n, height, width, channels]` (NHWC), filters
/// `[outC, kH, kW, inC]` and linear weights `[out, in]`, everywhere.
public struct Shape: Hashable, Sendable {
    /// The extent of each dimension, all of them zero or more.
    public let extents: [Int]

    /// A shape with the given extents.
    ///
    /// - Parameter extents: Zero or more each; their product must fit in `Int`.
    public init(_ extents: [Int]) {
        precondition(extents.allSatisfy { $0 >= 0 }, "negative extent in \(extents)")
        self.extents = extents
    }

    /// The number of dimensions.
    public var rank: Int { extents.count }

    /// The number of elements: the product of the extents, 1 for a scalar.
    public var count: Int { extents.reduce(1, *) }

    /// The extent of one dimension.
    public subscript(_ dimension: Int) -> Int { extents[dimension] }
}

extension Shape: ExpressibleByArrayLiteral {
    /// A shape written as a list of its extents.
    public init(arrayLiteral elements: Int...) {
        self.init(elements)
    }
}

extension Shape: CustomStringConvertible {
    /// The extents in brackets, as in `[1, 28, 28, 3]`.
    public var description: String { extents.description }
}
