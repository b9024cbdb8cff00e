import Files
import GRDB
import Synchronization

/// The index: pictures, embeddings, clusters and neighbours in SQLite, and search over them.
///
/// One process has an index open at a time (`flock` beside the file); anyone may read it with
/// `sqlite3` meanwhile. Writes are serial, each call is one transaction, and readers see the
/// state before or after it. Embeddings are stored with `synchronous=NORMAL`: after a power cut
/// the last of them may be missing and are made again. Changes of folders and models use `FULL`.
///
/// The embeddings of the loaded model are also kept in memory (4 bytes an element and about 350
/// bytes a picture). `Schema` documents the tables.
public final class ImageCatalog: Sendable {
    /// The database file.
    public let path: String
    /// Where a damaged index was set aside, if that happened at opening; this one began empty.
    public let setAside: String?

    let pool: DatabasePool
    let events = EventSignals()
    /// Keeps a second daemon off the index.
    private let lock: FileLock
    private let loaded = Mutex<LoadedModel?>(nil)  // used only on the writer's queue
    private let published = Mutex<PublishedModel?>(nil)

    /// Opens the index at `path`, or makes an empty one.
    ///
    /// A damaged index of ours is renamed (`setAside` names it) and an empty one takes its place:
    /// all of it but the names of clusters comes back from the folders.
    ///
    /// - Throws: `CatalogError` when another process has it, the file is something else, was
    ///   written by a newer program or lies on a network file system, or cannot be opened.
    public init(path: String) throws(CatalogError) {
        try Self.requireLocalFileSystem(path)
        do throws(FileLock.Failure) {
            lock = try FileLock("\(path).lock", mode: 0o640)
        } catch {
            switch error {
            case .taken(let process): throw .inUse(path: path, process: process)
            case .system(let error): throw .system(error)
            }
        }
        (pool, setAside) = try Self.openPool(path)
        self.path = path
    }

    /// Closes the index; no call may be under way or follow.
    ///
    /// The write-ahead log is emptied into the database file, so that it can be read alone, as
    /// with `immutable=1`. A reader of another process may prevent that; the log then stays
    /// beside the file and loses nothing.
    public func close() throws {
        try pool.writeWithoutTransaction { db in
            // As a statement and not by `sqlite3_wal_checkpoint_v2`: a task that was cancelled
            // between two statements leaves SQLite's interrupt flag set, which only the start of
            // a statement clears. Being busy is a column of its row and no error.
            try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
        try pool.close()
    }

    /// The loaded model and its embeddings, as of the last write.
    var search: PublishedModel? { published.withLock { $0 } }

    /// Runs one transaction on the writer's queue, then shows its result to searches.
    ///
    /// A durable one survives a power cut. The body may change the model in memory along with the
    /// tables; when the transaction fails, the memory is read again before its next use.
    func transaction<T: Sendable>(
        durable: Bool = false,
        _ body: @escaping @Sendable (Database, inout LoadedModel?) throws -> T
    ) async throws -> T {
        let result: T
        do {
            result = try await pool.writeWithoutTransaction { [self] db in
                if durable { try db.execute(sql: "PRAGMA synchronous = FULL") }
                defer { if durable { try? db.execute(sql: "PRAGMA synchronous = NORMAL") } }
                return try loaded.withLock { model in
                    try run(body, db, &model)
                }
            }
        } catch let error as DatabaseError {
            throw CatalogError(error, path: path)
        }
        events.signal()
        return result
    }

    private func run<T>(
        _ body: (Database, inout LoadedModel?) throws -> T, _ db: Database,
        _ model: inout LoadedModel?
    ) throws -> T {
        if let stale = model, stale.isStale { model = try Self.load(stale.model, db) }
        var result: T?
        do {
            try db.inTransaction(.immediate) {
                result = try body(db, &model)
                return .commit
            }
        } catch {
            model?.isStale = true
            throw error
        }
        let shown = model.map { PublishedModel(model: $0.model, matrix: $0.lists.matrix) }
        published.withLock { $0 = shown }
        return result!
    }

    /// Reads in one snapshot of the database.
    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do {
            return try await pool.read(body)
        } catch let error as DatabaseError {
            throw CatalogError(error, path: path)
        }
    }
}

/// The model that the daemon loaded, with its neighbour lists; the writer's own.
struct LoadedModel: Sendable {
    var model: ModelRecord
    var clustering: Int64
    var lists: NeighbourLists
    /// Whether a failed transaction may have left `lists` ahead of the tables.
    var isStale = false
}

/// The model and embeddings that searches see.
struct PublishedModel: Sendable {
    let model: ModelRecord
    let matrix: EmbeddingMatrix
}

extension CatalogError {
    init(_ error: DatabaseError, path: String) {
        switch error.resultCode {
        case .SQLITE_FULL: self = .full(path: path)
        default: self = .database(path: path, message: error.message ?? "\(error.resultCode)")
        }
    }
}
