public import Files

/// Where a picture stands.
public enum ImageState: String, Codable, Sendable, Hashable, CaseIterable {
    /// It waits for its embedding.
    case pending
    /// It has an embedding.
    case indexed
    /// It could not be read or decoded; `error` says why. It is tried again when it changes.
    case failed
}

/// A picture of the index.
public struct Image: Codable, Sendable, Hashable, Located {
    /// Its number in the index.
    public var id: Int64
    /// Its absolute path, for display.
    public var path: String
    /// Its exact path, where `path` cannot say it.
    public var pathBase64: String?
    /// Where it stands.
    public var state: ImageState
    /// Why it failed, if it did.
    public var error: String?
    /// Whether its folder is away, an unmounted disk for one.
    public var offline: Bool
    /// Its width in pixels, upright, once it was decoded.
    public var width: Int?
    /// Its height in pixels, upright, once it was decoded.
    public var height: Int?
    /// The size of its file in bytes.
    public var size: Int64
    /// When its file last changed.
    public var modified: Timestamp
    /// When the daemon first saw it.
    public var firstSeen: Timestamp
    /// When its embedding was stored.
    public var indexedAt: Timestamp?
    /// The SHA-256 of its file, lower-case hexadecimal.
    public var sha256: String?
    /// Its cluster, once it has one.
    public var assignment: Assignment?

    /// A picture from its fields.
    public init(
        id: Int64, location: FilePath, state: ImageState, error: String? = nil,
        offline: Bool = false, width: Int? = nil, height: Int? = nil, size: Int64,
        modified: Timestamp, firstSeen: Timestamp, indexedAt: Timestamp? = nil,
        sha256: String? = nil, assignment: Assignment? = nil
    ) {
        self.id = id
        path = location.description
        pathBase64 = location.base64
        self.state = state
        self.error = error
        self.offline = offline
        self.width = width
        self.height = height
        self.size = size
        self.modified = modified
        self.firstSeen = firstSeen
        self.indexedAt = indexedAt
        self.sha256 = sha256
        self.assignment = assignment
    }
}

/// Which cluster an embedding belongs to, and how surely.
public struct Assignment: Codable, Sendable, Hashable {
    /// The nearest cluster.
    public var cluster: Int64
    /// The name someone gave it.
    public var name: String?
    /// The Euclidean distance from the embedding to its centroid.
    public var distance: Double
    /// The second nearest cluster, where there is more than one.
    public var second: Int64?
    /// `1 − distance / distance to the second`: 0 is a tie, 1 is on the centroid.
    ///
    /// Nil where there is one cluster only.
    public var margin: Double?

    /// An assignment from its fields.
    public init(
        cluster: Int64, name: String? = nil, distance: Double, second: Int64?, margin: Double?
    ) {
        self.cluster = cluster
        self.name = name
        self.distance = distance
        self.second = second
        self.margin = margin
    }
}

/// A picture near another.
public struct Neighbour: Codable, Sendable, Hashable, Located {
    /// Its place in the list, from 1.
    public var rank: Int
    /// Its number in the index.
    public var id: Int64
    /// Its absolute path, for display.
    public var path: String
    /// Its exact path, where `path` cannot say it.
    public var pathBase64: String?
    /// The dot product of the two unit embeddings: 1 is equal, 0 unrelated.
    public var similarity: Double
    /// Its cluster.
    public var cluster: Int64?

    /// A neighbour from its fields.
    public init(
        rank: Int, id: Int64, location: FilePath, similarity: Double, cluster: Int64? = nil
    ) {
        self.rank = rank
        self.id = id
        path = location.description
        pathBase64 = location.base64
        self.similarity = similarity
        self.cluster = cluster
    }
}

/// The neighbours of a picture of the index, nearest first.
public struct NeighbourList: Codable, Sendable, Hashable {
    /// The picture asked about.
    public var image: Int64
    /// Its neighbours.
    public var items: [Neighbour]

    /// A list from its fields.
    public init(image: Int64, items: [Neighbour]) {
        self.image = image
        self.items = items
    }
}

/// A query about a picture that the daemon can read itself.
public struct PathQuery: Codable, Sendable, Hashable, Located {
    /// The absolute path, inside a watched folder.
    public var path: String
    /// The exact path, where `path` cannot say it.
    public var pathBase64: String?

    private enum CodingKeys: String, CodingKey {
        case path, pathBase64
    }

    /// A query for a path.
    public init(_ location: FilePath) {
        path = location.description
        pathBase64 = location.base64
    }

    /// Decodes a query; either field serves alone.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        pathBase64 = try container.decodeIfPresent(String.self, forKey: .pathBase64)
        path =
            try container.decodeIfPresent(String.self, forKey: .path)
            ?? (pathBase64 == nil ? container.decode(String.self, forKey: .path) : "")
        guard FilePath(path: path, base64: pathBase64) != nil else {
            throw DecodingError.dataCorruptedError(
                forKey: .pathBase64, in: container, debugDescription: "this is not base64")
        }
    }
}

/// What the daemon makes of a picture that it does not keep.
public struct QueryAnswer: Codable, Sendable, Hashable {
    /// The SHA-256 of the model that answered.
    public var model: String
    /// The picture's width in pixels, upright.
    public var width: Int
    /// The picture's height in pixels, upright.
    public var height: Int
    /// The cluster it would belong to.
    public var assignment: Assignment
    /// The nearest pictures of the index.
    public var neighbours: [Neighbour]

    /// An answer from its fields.
    public init(
        model: String, width: Int, height: Int, assignment: Assignment, neighbours: [Neighbour]
    ) {
        self.model = model
        self.width = width
        self.height = height
        self.assignment = assignment
        self.neighbours = neighbours
    }
}
