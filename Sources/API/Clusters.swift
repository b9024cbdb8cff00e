/// A cluster of the clustering in force.
public struct Cluster: Codable, Sendable, Hashable {
    /// Its number: the row of its centroid in the model.
    public var id: Int64
    /// The name someone gave it.
    public var name: String?
    /// How many pictures it has.
    public var size: Int

    /// A cluster from its fields.
    public init(id: Int64, name: String? = nil, size: Int) {
        self.id = id
        self.name = name
        self.size = size
    }
}

/// What a `PATCH` of a cluster may change.
public struct ClusterUpdate: Codable, Sendable, Hashable {
    /// The new name; empty takes the name away.
    public var name: String

    /// An update to a name.
    public init(name: String) {
        self.name = name
    }
}

/// Some items of a list, and where the next ones are.
public struct Page<Item: Codable & Sendable & Hashable>: Codable, Sendable, Hashable {
    /// The items.
    public var items: [Item]
    /// What to give as `cursor` for the next page, or nil at the end.
    public var nextCursor: String?

    /// A page from its fields.
    public init(items: [Item], nextCursor: String? = nil) {
        self.items = items
        self.nextCursor = nextCursor
    }
}
