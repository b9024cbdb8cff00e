import FoundationEssentials

/// A place in a list, opaque to clients: the key of the last item that was given.
///
/// On the wire it is base64url of a version byte and the key in big-endian order, so that a cursor
/// of another list or of a later version is refused, not misread.
public struct Cursor: Sendable, Hashable {
    private static let version: UInt8 = 1

    /// The list that the cursor belongs to.
    public enum List: UInt8, Sendable {
        /// Pictures by id.
        case images = 1
        /// Clusters by id.
        case clusters
        /// Pictures of a cluster by id.
        case clusterImages
    }

    /// The list it belongs to.
    public let list: List
    /// The key of the last item given: the next page starts after it.
    public let after: Int64

    /// A cursor after one item of a list.
    public init(_ list: List, after: Int64) {
        self.list = list
        self.after = after
    }

    /// The cursor as text.
    public var text: String {
        let key = (0..<8).map { UInt8(truncatingIfNeeded: after >> (56 - 8 * $0)) }
        return Data([Self.version, list.rawValue] + key).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Reads a cursor of one list, or gives nil where `text` is something else.
    public init?(_ text: String, of list: List) {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        guard let decoded = Data(base64Encoded: standard + padding), decoded.count == 10,
            Array(decoded.prefix(2)) == [Self.version, list.rawValue]
        else { return nil }
        let after = decoded.dropFirst(2).reduce(Int64(0)) { $0 << 8 | Int64($1) }
        self.init(list, after: after)
    }
}
