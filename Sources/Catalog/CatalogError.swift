public import Files

/// The reasons an index cannot be opened or used.
public enum CatalogError: Error, Equatable, Sendable {
    /// Another process has the index open.
    case inUse(path: String, process: Int32?)
    /// A call on the lock or the index file failed.
    case system(SystemCallError)
    /// The file is there, but no index of ours.
    case notAnIndex(path: String, reason: String)
    /// The index was written by a newer program.
    case newerSchema(path: String, found: Int, newest: Int)
    /// The folder lies on a network file system, where SQLite's write-ahead log cannot work.
    case networkFileSystem(path: String, kind: String)
    /// There is no room left for the index.
    case full(path: String)
    /// SQLite refused an operation.
    case database(path: String, message: String)
    /// No model was activated yet.
    case noModel
    /// A vector's length is not the model's, or an element is not finite.
    case invalidVector(image: Int64, count: Int, dimension: Int)
    /// A model's file is known with another dimension.
    case dimensionChanged(sha256: String, known: Int, found: Int)
    /// There is no such cluster.
    case noSuchCluster(Int)
}

extension CatalogError: CustomStringConvertible {
    /// What is wrong, and the remedy.
    public var description: String {
        switch self {
        case .inUse(let path, let process):
            "the index '\(path)' is in use by another dcd"
                + (process.map { " (process \($0))" } ?? "")
                + ": stop that one, or give this one an index of its own"
        case .system(let error):
            "\(error): check the folder and its permissions"
        case .notAnIndex(let path, let reason):
            "'\(path)' is not an index of dcd (\(reason)): move it away or name another file"
        case .newerSchema(let path, let found, let newest):
            "the index '\(path)' has schema version \(found), the newest known is \(newest): "
                + "upgrade dcd, or name another index"
        case .networkFileSystem(let path, let kind):
            "the index '\(path)' would lie on a network file system (\(kind)), where SQLite's "
                + "write-ahead log does not work: put it on a local disk"
        case .full(let path):
            "the index '\(path)' cannot grow, its disk is full: make room; work goes on by itself"
        case .database(let path, let message):
            "the index '\(path)': \(message): look at it with 'sqlite3', or move it away and let dcd "
                + "make a new one"
        case .noModel:
            "no model was activated in this index yet: wait until dcd has started"
        case .invalidVector(let image, let count, let dimension):
            "the embedding of image \(image) has \(count) elements, or some that are not finite; "
                + "the model's have \(dimension): check the model file"
        case .dimensionChanged(let sha256, let known, let found):
            "model \(sha256.prefix(12)) is known with dimension \(known), not \(found): "
                + "check the model file, or name another index"
        case .noSuchCluster(let id):
            "there is no cluster \(id) in the active clustering: 'dcctl clusters' lists them"
        }
    }
}
