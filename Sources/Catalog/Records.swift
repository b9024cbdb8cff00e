public import Files

/// A watched folder.
public struct RootRecord: Sendable, Equatable {
    /// The row's id.
    public let id: Int64
    /// The folder's absolute path.
    public let path: FilePath
    /// The file system's device number when the folder was last seen, if it ever was.
    public let device: UInt64?
    /// The folder's inode when it was last seen, if it ever was.
    public let inode: UInt64?
    /// Whether the folder is there; the pictures of an offline root are kept as they are.
    public let online: Bool
    /// When the folder was last compared with the index in full, in Unix milliseconds.
    public let reconciledAt: Int64?
}

/// Where a picture stands.
public enum ImageState: String, Sendable, CaseIterable {
    /// It waits to be read.
    case pending
    /// It has an embedding.
    case indexed
    /// It cannot be read; the reason is recorded.
    case failed
}

/// How a picture was assigned to a cluster.
public struct Assignment: Sendable, Equatable {
    /// The cluster's id within the active clustering.
    public var cluster: Int
    /// The Euclidean distance to its centroid.
    public var distance: Float
    /// The runner-up, where there is more than one cluster.
    public var second: Int?
    /// `1 − distance / distance to the runner-up`: 0 is undecided, 1 is certain.
    public var margin: Float?

    /// An assignment with these values.
    public init(cluster: Int, distance: Float, second: Int?, margin: Float?) {
        (self.cluster, self.distance) = (cluster, distance)
        (self.second, self.margin) = (second, margin)
    }
}

/// One picture of the index.
public struct ImageRecord: Sendable, Equatable {
    /// The row's id, never used again for another picture.
    public let id: Int64
    /// The id of the watched folder that it was found in.
    public let root: Int64
    /// The absolute path, as bytes.
    public let path: FilePath
    /// What `stat` said of the file.
    public let identity: FileIdentity
    /// The SHA-256 of the content in lower-case hexadecimal, once it was read.
    public let sha256: String?
    /// The width of the upright picture in pixels, once it was decoded.
    public let width: Int?
    /// The height of the upright picture in pixels, once it was decoded.
    public let height: Int?
    /// Where it stands.
    public let state: ImageState
    /// Why it could not be read.
    public let error: String?
    /// When it was found, in Unix milliseconds.
    public let firstSeen: Int64
    /// When its embedding was stored, in Unix milliseconds.
    public let indexedAt: Int64?
    /// Whether its watched folder is there.
    public let online: Bool
    /// Its cluster in the active clustering, once it has one.
    public let assignment: Assignment?
}

/// A picture and how alike it is to the one asked about.
public struct SimilarImage: Sendable, Equatable {
    /// The picture.
    public let image: ImageRecord
    /// The dot product of the two unit vectors.
    public let similarity: Float
}

/// The id of a picture and how alike it is to the one asked about.
public struct Neighbour: Sendable, Hashable {
    /// The picture's id.
    public let image: Int64
    /// The dot product of the two unit vectors.
    public let similarity: Float

    /// A neighbour with these values.
    public init(image: Int64, similarity: Float) {
        (self.image, self.similarity) = (image, similarity)
    }

    /// Whether this one comes first: the larger similarity, then the lower id.
    @inline(__always)
    func precedes(_ other: Neighbour) -> Bool {
        similarity > other.similarity || (similarity == other.similarity && image < other.image)
    }
}

/// One cluster of the active clustering.
public struct ClusterRecord: Sendable, Equatable {
    /// The clustering that it belongs to.
    public let clustering: Int64
    /// Its number within the clustering.
    public let id: Int
    /// The name that a user gave it.
    public let name: String?
    /// How many pictures are assigned to it.
    public let size: Int
}

/// A model that the index has embeddings of.
public struct ModelRecord: Sendable, Equatable {
    /// The row's id.
    public let id: Int64
    /// The SHA-256 of the model's file, in lower-case hexadecimal.
    public let sha256: String
    /// The length of an embedding.
    public let dimension: Int
    /// Whether answers come from this one.
    public let active: Bool
}

/// A model as the daemon loaded it.
public struct ModelDescription: Sendable, Equatable {
    /// The SHA-256 of the model's file, in lower-case hexadecimal.
    public var sha256: String
    /// The length of an embedding.
    public var dimension: Int
    /// The centroids, row-major `[K, dimension]`.
    public var centroids: [Float]

    /// A model with these properties; `centroids` has a multiple of `dimension` elements.
    public init(sha256: String, dimension: Int, centroids: [Float]) {
        precondition(
            dimension > 0 && centroids.count % dimension == 0,
            "\(centroids.count) centroid elements of dimension \(dimension)")
        (self.sha256, self.dimension, self.centroids) = (sha256, dimension, centroids)
    }

    /// The number of clusters.
    public var clusters: Int { centroids.count / dimension }
}

/// What happened to a picture.
public enum EventKind: String, Sendable, CaseIterable {
    /// Its embedding was stored.
    case indexed
    /// It cannot be read.
    case failed
    /// It lies at another path now.
    case moved
    /// It left its watched folder.
    case removed
    /// Another model answers from now on.
    case modelChanged = "model_changed"
    /// A watched folder is there again.
    case rootOnline = "root_online"
    /// A watched folder is gone; its pictures are kept.
    case rootOffline = "root_offline"
    /// A cluster was renamed.
    case clusterRenamed = "cluster_renamed"
}

/// One line of the index's history.
public struct EventRecord: Sendable, Equatable {
    /// The number that orders events, never used twice.
    public let sequence: Int64
    /// When it happened, in Unix milliseconds.
    public let at: Int64
    /// What happened.
    public let kind: EventKind
    /// The picture, if it is about one.
    public let image: Int64?
    /// The path that it was about, as bytes.
    public let path: FilePath?
    /// More about it: the reason of a failure, the former path of a move, a cluster.
    public let detail: String?
}

/// How many pictures the index has, by state.
public struct CatalogCounts: Sendable, Equatable {
    /// Pictures that wait to be read, whose folder is there.
    public var pending = 0
    /// Pictures with an embedding.
    public var indexed = 0
    /// Pictures that cannot be read.
    public var failed = 0
    /// Pictures of folders that are not there, in whatever state.
    public var offline = 0
    /// All pictures.
    public var total = 0

    /// All of them at zero.
    public init() {}
}

/// The state of the index as a whole.
public struct CatalogStatus: Sendable, Equatable {
    /// Pictures by state.
    public let counts: CatalogCounts
    /// The watched folders.
    public let roots: [RootRecord]
    /// The model that answers, once there is one.
    public let activeModel: ModelRecord?
    /// The model that the daemon loaded and whose embeddings are being made, if it is another.
    public let nextModel: ModelRecord?
    /// How many pictures have an embedding of the next model.
    public let nextModelIndexed: Int
    /// The number of the latest event, 0 if there was none.
    public let lastEvent: Int64
}
