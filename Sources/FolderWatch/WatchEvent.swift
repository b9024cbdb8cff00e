public import Files

/// What happened in a watched folder.
///
/// Paths are absolute.
public enum WatchEvent: Sendable, Equatable {
    /// A regular file is new or was changed, and is quiet now.
    case settled(path: FilePath, identity: FileIdentity)
    /// What was at the path is gone: a file, or a folder with everything in it.
    case removed(path: FilePath)
    /// A file or folder has another path now; both lie in the same watched folder or in two.
    case moved(from: FilePath, to: FilePath, isFolder: Bool)
    /// The folder must be compared with what is known of it: events may be missing.
    case rescan(folder: FilePath, reason: RescanReason)
    /// The folder and what is below it is looked at from time to time instead of being watched,
    /// told once.
    case polling(folder: FilePath, reason: PollingReason)
    /// A watched folder is not there.
    case rootLost(path: FilePath)
}

/// Why a folder must be compared.
public enum RescanReason: Sendable, Equatable {
    /// Its watches are in place: from here on, changes are told.
    case started
    /// The kernel dropped events.
    case overflow
    /// Events were told of a folder that is not known, or were not fetched in time.
    case confusion
    /// It is looked at from time to time.
    case polling
    /// It was asked for.
    case requested
    /// The watched folder is there again.
    case rootFound
}

/// Why a folder is not watched.
public enum PollingReason: Sendable, Equatable {
    /// The number of watches that may be used is reached, by our own limit or the kernel's.
    case watchLimit
    /// It lies on a network file system of this kind, which tells nothing of other machines.
    case networkFileSystem(String)
}

/// Where watching stands.
public struct WatchStatus: Sendable, Equatable {
    /// The folders watched by the kernel.
    public var watches = 0
    /// The folders that are looked at from time to time instead.
    public var polled: [FilePath] = []
    /// How often the kernel dropped events.
    public var overflows = 0

    /// A status from its parts; without them nothing is watched yet.
    public init(watches: Int = 0, polled: [FilePath] = [], overflows: Int = 0) {
        (self.watches, self.polled, self.overflows) = (watches, polled, overflows)
    }
}

/// How watching is done.
public struct WatchSettings: Sendable {
    /// How long a file must be quiet that nobody is known to have closed.
    public var settle: Duration = .milliseconds(500)
    /// How long after closing or renaming: enough to see several closings as one.
    public var closeSettle: Duration = .milliseconds(50)
    /// How long a file that was opened for writing may pause before it is taken as it is.
    public var openSettle: Duration = .seconds(5)
    /// How often folders that cannot be watched are looked at.
    public var pollInterval: Duration = .seconds(60)
    /// How often a missing watched folder is looked for.
    public var lostInterval: Duration = .seconds(5)
    /// The most folders to watch, or nil for half of what the kernel allows a user.
    public var watchLimit: Int?

    /// The usual settings.
    public init() {}
}

/// A folder to watch.
public struct WatchedRoot: Sendable, Equatable {
    /// The absolute path; it may be a symbolic link to the folder.
    public var path: FilePath
    /// What in it is left out.
    public var exclusions: Exclusions

    /// The folder at `path`.
    public init(path: FilePath, exclusions: Exclusions = Exclusions()) {
        (self.path, self.exclusions) = (path, exclusions)
    }
}
