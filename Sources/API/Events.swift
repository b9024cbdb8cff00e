/// Something that changed in the index.
public struct Event: Codable, Sendable, Hashable {
    /// What changed.
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
        /// A picture got its embedding and cluster.
        case indexed
        /// A picture left its folder.
        case removed
        /// A picture could not be decoded; `detail` says why.
        case failed
        /// A picture has another path, `path`; `from` is the one before.
        case moved
        /// Another clustering is in force.
        case clusteringChanged = "clustering_changed"
    }

    /// Its number; events come in this order, and `after=` takes it.
    public var sequence: Int64
    /// When it happened.
    public var time: Timestamp
    /// What changed.
    public var kind: Kind
    /// The picture.
    public var image: Int64?
    /// Its path, for display.
    public var path: String?
    /// Its exact path, where `path` cannot say it.
    public var pathBase64: String?
    /// Its path before a move, for display.
    public var from: String?
    /// Its exact path before a move, where `from` cannot say it.
    public var fromBase64: String?
    /// More about it: the reason of a failure.
    public var detail: String?

    /// An event from its fields.
    public init(
        sequence: Int64, time: Timestamp, kind: Kind, image: Int64? = nil,
        location: PicturePath? = nil, from: PicturePath? = nil, detail: String? = nil
    ) {
        self.sequence = sequence
        self.time = time
        self.kind = kind
        self.image = image
        path = location?.display
        pathBase64 = location?.base64
        self.from = from?.display
        fromBase64 = from?.base64
        self.detail = detail
    }
}
