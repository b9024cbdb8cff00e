public import Files

/// Something that changed in the index.
public struct Event: Codable, Sendable, Hashable {
    /// What changed.
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
        /// A picture got its embedding and cluster.
        case indexed
        /// A picture left its folder.
        case removed
        /// A picture could not be read or decoded; `detail` says why.
        case failed
        /// A picture has another path, `path`; `detail` is the one before, for display.
        case moved
        /// Another model answers from now on.
        case modelChanged = "model_changed"
        /// A cluster has another name; `detail` says which.
        case clusterRenamed = "cluster_renamed"
        /// A watched folder is there again; `path` is its path.
        case rootOnline = "root_online"
        /// A watched folder is away; its pictures are kept.
        case rootOffline = "root_offline"
    }

    /// Its number; events come in this order, and `after=` takes it.
    public var sequence: Int64
    /// When it happened.
    public var time: Timestamp
    /// What changed.
    public var kind: Kind
    /// The picture.
    public var image: Int64?
    /// The path it is about, for display.
    public var path: String?
    /// Its exact path, where `path` cannot say it.
    public var pathBase64: String?
    /// More about it: the reason of a failure, the path before a move, a cluster.
    public var detail: String?

    /// An event from its fields.
    public init(
        sequence: Int64, time: Timestamp, kind: Kind, image: Int64? = nil,
        location: FilePath? = nil, detail: String? = nil
    ) {
        self.sequence = sequence
        self.time = time
        self.kind = kind
        self.image = image
        path = location?.description
        pathBase64 = location?.base64
        self.detail = detail
    }
}
