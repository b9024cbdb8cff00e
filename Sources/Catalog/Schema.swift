import GRDB

/// The tables and views of the index, which are a public contract.
///
/// Anyone may read them with `sqlite3` while the daemon runs. Columns may be added; names and
/// meanings stay.
///
/// Paths are absolute bytes (BLOB), since not every file name is UTF-8. Times are Unix
/// milliseconds. Vectors and centroids are `dimension` × Float32, little-endian. Device and
/// inode numbers are unsigned 64-bit numbers stored as SQLite's signed ones, bit for bit.
///
/// - `roots`: the watched folders. `online` is 0 while a folder is not there; its pictures are
///   kept. `reconciled_at` is the end of the last full comparison with the folder.
/// - `images`: the pictures. `state` is `pending`, `indexed` or `failed` (then `error` says why).
/// - `skipped`: files of the watched folders that are no pictures, so that a restart does not
///   open them again.
/// - `models`: the models that embeddings came from; `active` marks the one that answers.
/// - `embeddings`: one unit vector for each picture and model.
/// - `clusterings`, `clusters`, `assignments`: `active` marks the clustering that answers for its
///   model. `clusters.size` is kept by triggers. `assignments.distance` is Euclidean, `second` the
///   runner-up and `margin` is 1 − distance / distance to it; both are NULL with one cluster.
/// - `neighbours`: for each embedding the 20 largest dot products with the others of its model,
///   `rank` from 1, ties to the lower id. `neighbour` has no foreign key: checking one would scan
///   the table for each removed picture; the writer repairs the lists in the same transaction.
/// - `events`: what happened, by an increasing number; the oldest are dropped beyond 100,000.
/// - `offline_images`: the pictures whose watched folder is not there.
/// - `image_overview`: each picture with its cluster in the clustering that answers.
/// - `active_neighbours`: the neighbours of the model that answers.
enum Schema {
    /// The newest version that this program reads and the one that it writes.
    static let version = 1

    /// `dcix` as SQLite's `application_id`, which tells our files from those of others.
    static let applicationID = 0x6463_6978

    /// Makes all tables in an empty database, or finds that they are there.
    static func prepare(_ db: Database, path: String) throws {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard found <= version else {
            throw CatalogError.newerSchema(path: path, found: found, newest: version)
        }
        guard found == 0 else { return }
        let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        guard tables == 0 else {
            throw CatalogError.notAnIndex(path: path, reason: "it has tables of another program")
        }
        try db.inTransaction {
            try db.execute(sql: tableStatements)
            try db.execute(sql: viewStatements)
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: "PRAGMA user_version = \(version)")
            return .commit
        }
    }

    private static let tableStatements = """
        CREATE TABLE roots (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            path BLOB NOT NULL UNIQUE,
            device INTEGER,
            inode INTEGER,
            online INTEGER NOT NULL DEFAULT 1 CHECK (online IN (0, 1)),
            reconciled_at INTEGER
        ) STRICT;
        CREATE TABLE images (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            root INTEGER NOT NULL REFERENCES roots (id) ON DELETE CASCADE,
            path BLOB NOT NULL UNIQUE,
            device INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            sha256 TEXT,
            width INTEGER,
            height INTEGER,
            state TEXT NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'indexed', 'failed')),
            error TEXT,
            first_seen INTEGER NOT NULL,
            indexed_at INTEGER
        ) STRICT;
        CREATE INDEX images_root ON images (root);
        CREATE INDEX images_sha256 ON images (sha256) WHERE sha256 IS NOT NULL;
        CREATE INDEX images_inode ON images (inode);
        CREATE INDEX images_pending ON images (id) WHERE state = 'pending';
        CREATE INDEX images_failed ON images (id) WHERE state = 'failed';
        CREATE TABLE skipped (
            path BLOB NOT NULL PRIMARY KEY,
            root INTEGER NOT NULL REFERENCES roots (id) ON DELETE CASCADE,
            device INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE models (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            sha256 TEXT NOT NULL UNIQUE,
            dimension INTEGER NOT NULL CHECK (dimension > 0),
            active INTEGER NOT NULL DEFAULT 0 CHECK (active IN (0, 1))
        ) STRICT;
        CREATE UNIQUE INDEX models_active ON models (active) WHERE active = 1;
        CREATE TABLE embeddings (
            image INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            model INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
            vector BLOB NOT NULL,
            PRIMARY KEY (image, model)
        ) STRICT;
        CREATE TABLE clusterings (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            model INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
            active INTEGER NOT NULL DEFAULT 0 CHECK (active IN (0, 1)),
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX clusterings_active ON clusterings (model) WHERE active = 1;
        CREATE TABLE clusters (
            clustering INTEGER NOT NULL REFERENCES clusterings (id) ON DELETE CASCADE,
            id INTEGER NOT NULL,
            name TEXT,
            size INTEGER NOT NULL DEFAULT 0,
            centroid BLOB NOT NULL,
            PRIMARY KEY (clustering, id)
        ) STRICT;
        CREATE TABLE assignments (
            image INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            clustering INTEGER NOT NULL,
            cluster INTEGER NOT NULL,
            distance REAL NOT NULL,
            second INTEGER,
            margin REAL,
            PRIMARY KEY (image, clustering),
            FOREIGN KEY (clustering, cluster) REFERENCES clusters (clustering, id)
                ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX assignments_cluster
            ON assignments (clustering, cluster, distance, image);
        CREATE TRIGGER assignments_added AFTER INSERT ON assignments BEGIN
            UPDATE clusters SET size = size + 1
                WHERE clustering = NEW.clustering AND id = NEW.cluster;
        END;
        CREATE TRIGGER assignments_removed AFTER DELETE ON assignments BEGIN
            UPDATE clusters SET size = size - 1
                WHERE clustering = OLD.clustering AND id = OLD.cluster;
        END;
        CREATE TRIGGER assignments_changed AFTER UPDATE OF cluster ON assignments BEGIN
            UPDATE clusters SET size = size - 1
                WHERE clustering = OLD.clustering AND id = OLD.cluster;
            UPDATE clusters SET size = size + 1
                WHERE clustering = NEW.clustering AND id = NEW.cluster;
        END;
        CREATE TABLE neighbours (
            image INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            model INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
            rank INTEGER NOT NULL CHECK (rank >= 1),
            neighbour INTEGER NOT NULL,
            similarity REAL NOT NULL,
            PRIMARY KEY (image, model, rank)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            image INTEGER,
            path BLOB,
            detail TEXT
        ) STRICT;
        """

    private static let viewStatements = """
        CREATE VIEW offline_images AS
            SELECT i.id, i.path, i.state, i.root, r.path AS root_path
            FROM images i JOIN roots r ON r.id = i.root WHERE r.online = 0;
        CREATE VIEW image_overview AS
            SELECT i.id, i.path, i.state, i.error, r.online, a.cluster, c.name AS cluster_name,
                a.distance, a.second, a.margin
            FROM images i JOIN roots r ON r.id = i.root
            LEFT JOIN clusterings g
                ON g.active = 1 AND g.model = (SELECT id FROM models WHERE active = 1)
            LEFT JOIN assignments a ON a.image = i.id AND a.clustering = g.id
            LEFT JOIN clusters c ON c.clustering = g.id AND c.id = a.cluster;
        CREATE VIEW active_neighbours AS
            SELECT image, rank, neighbour, similarity FROM neighbours
            WHERE model = (SELECT id FROM models WHERE active = 1);
        """
}
