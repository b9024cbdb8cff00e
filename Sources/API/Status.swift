public import Files

/// What the daemon is doing.
public struct Status: Codable, Sendable, Hashable {
    /// The daemon's version.
    public var version: String
    /// Its process.
    public var pid: Int32
    /// When it started.
    public var started: Timestamp
    /// Whether it answers queries.
    public var ready: Bool
    /// What it is doing, in words.
    public var activity: String
    /// The SHA-256 of the model in force.
    public var model: String
    /// The folder of the index.
    public var index: String
    /// The pictures by state.
    public var images: ImageCounts
    /// How many clusters the model has.
    public var clusters: Int
    /// The watched folders.
    public var roots: [Root]
    /// The work that remains.
    public var progress: Progress

    /// How many pictures there are, by state.
    public struct ImageCounts: Codable, Sendable, Hashable {
        /// Those with an embedding.
        public var indexed: Int
        /// Those that wait.
        public var pending: Int
        /// Those that cannot be decoded.
        public var failed: Int
        /// Those whose folder is away, whatever their state.
        public var offline: Int

        /// Counts from their numbers.
        public init(indexed: Int, pending: Int, failed: Int, offline: Int) {
            self.indexed = indexed
            self.pending = pending
            self.failed = failed
            self.offline = offline
        }
    }

    /// A watched folder.
    public struct Root: Codable, Sendable, Hashable, Located {
        /// Its path, for display.
        public var path: String
        /// Its exact path, where `path` cannot say it.
        public var pathBase64: String?
        /// Whether it is there.
        public var online: Bool

        /// A root from its fields.
        public init(location: FilePath, online: Bool) {
            path = location.description
            pathBase64 = location.base64
            self.online = online
        }
    }

    /// The work that remains.
    public struct Progress: Codable, Sendable, Hashable {
        /// Pictures done since the daemon started.
        public var done: Int
        /// Pictures that wait.
        public var pending: Int
        /// Pictures a second, over the last while; nil when idle.
        public var picturesPerSecond: Double?
        /// Seconds until nothing waits, at that rate.
        public var secondsLeft: Double?
        /// When the folders that are there were last compared with the index, whole.
        public var lastReconciled: Timestamp?
        /// How often the kernel's queue ran over; each led to a comparison.
        public var overflows: Int

        /// Progress from its fields.
        public init(
            done: Int, pending: Int, picturesPerSecond: Double? = nil, secondsLeft: Double? = nil,
            lastReconciled: Timestamp? = nil, overflows: Int = 0
        ) {
            self.done = done
            self.pending = pending
            self.picturesPerSecond = picturesPerSecond
            self.secondsLeft = secondsLeft
            self.lastReconciled = lastReconciled
            self.overflows = overflows
        }
    }

    /// A status from its fields.
    public init(
        version: String, pid: Int32, started: Timestamp, ready: Bool, activity: String,
        model: String, index: String, images: ImageCounts, clusters: Int, roots: [Root],
        progress: Progress
    ) {
        self.version = version
        self.pid = pid
        self.started = started
        self.ready = ready
        self.activity = activity
        self.model = model
        self.index = index
        self.images = images
        self.clusters = clusters
        self.roots = roots
        self.progress = progress
    }
}

/// The answer to `GET /healthz` and `GET /readyz`.
public struct Health: Codable, Sendable, Hashable {
    /// `ok`.
    public var status: String

    /// A health that is well.
    public init() {
        status = "ok"
    }
}

/// The answer to `POST /v1/rescan`.
public struct RescanAnswer: Codable, Sendable, Hashable {
    /// Whether the folders will be compared with the index; always true, since one that is under
    /// way is followed by another.
    public var accepted: Bool
    /// The newest event when it was asked: `GET /v1/events?after=` tells what it found.
    public var sequence: Int64

    /// An answer from its fields.
    public init(accepted: Bool = true, sequence: Int64) {
        self.accepted = accepted
        self.sequence = sequence
    }
}
