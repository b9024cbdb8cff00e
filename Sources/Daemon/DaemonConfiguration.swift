import Configuration
import FoundationEssentials

/// What `dcd` is told: one YAML file, with overrides from the environment.
///
/// An environment variable (`DCD_MODEL`, `DCD_INDEX`, `DCD_SOCKET`, `DCD_THREADS`) comes first, then
/// the file, then the usual place. `watch` is in the file only.
public struct DaemonConfiguration: Sendable, Equatable {
    /// The int8 checkpoint.
    public var model: String
    /// The SQLite file of the index.
    public var index: String
    /// The Unix socket, unless one is passed by socket activation.
    public var socket: String
    /// Threads for indexing.
    public var threads: Int
    /// The watched folders.
    public var watch: [WatchedFolder]

    /// A watched folder.
    public struct WatchedFolder: Sendable, Equatable {
        /// Its absolute path.
        public var path: String
        /// Names of files and folders in it that are passed over.
        public var exclude: [String]

        /// A folder and what is passed over in it.
        public init(path: String, exclude: [String] = []) {
            self.path = path
            self.exclude = exclude
        }
    }

    /// A configuration from its parts.
    public init(
        model: String, index: String, socket: String, threads: Int, watch: [WatchedFolder]
    ) {
        self.model = model
        self.index = index
        self.socket = socket
        self.threads = threads
        self.watch = watch
    }

    /// Reads a configuration file.
    ///
    /// A relative path is taken from the file's folder, one in a variable from the current
    /// folder; `~/` is the home folder.
    ///
    /// - Parameters:
    ///   - file: The file, or nil for `$XDG_CONFIG_HOME/dcd/dcd.yaml`, then
    ///     `/etc/dcd/dcd.yaml`.
    ///   - environment: The environment variables, or nil for those of this process.
    /// - Throws: `DaemonError` with the file, the key and the remedy.
    public init(
        contentsOf file: String?,
        environment: [String: String]? = nil
    ) throws(DaemonError) {
        let environment = environment ?? ProcessInfo.processInfo.environment
        let places = ConfigurationPlaces(environment)
        let file = if let file { file } else { try places.configuration() }
        let contents = try ConfigurationFile(contentsOf: file)
        let settings = Settings(file: file, contents: contents, environment: environment)
        guard let model = try settings.path("model", places) else {
            throw .missingSetting(file: file, key: "model", variable: "DCD_MODEL")
        }
        self.model = model
        index =
            if let index = try settings.path("index", places) { index } else { try places.index() }
        socket =
            if let socket = try settings.path("socket", places) { socket } else {
                try places.socket()
            }
        threads = try settings.threads() ?? ProcessInfo.processInfo.activeProcessorCount
        watch = contents.watch.map { folder in
            WatchedFolder(
                path: places.resolve(folder.path, from: settings.folder), exclude: folder.exclude)
        }
        try checkFolders(file)
    }

    /// A picture belongs to one folder, so none may hold another.
    private func checkFolders(_ file: String) throws(DaemonError) {
        for (place, outer) in watch.enumerated() {
            for (other, inner) in watch.enumerated() where other != place {
                let prefix = outer.path == "/" ? "/" : outer.path + "/"
                let same = inner.path == outer.path && other > place
                if same || inner.path.hasPrefix(prefix) {
                    throw .nestedFolders(file: file, outer: outer.path, inner: inner.path)
                }
            }
        }
    }
}

/// The settings that are single values: the environment first, then the file.
private struct Settings {
    let file: String
    let reader: ConfigReader
    let environment: [String: String]

    init(file: String, contents: ConfigurationFile, environment: [String: String]) {
        self.file = file
        self.environment = environment
        let values = contents.values.map { key, value in
            (AbsoluteConfigKey([key]), ConfigValue(.string(value), isSecret: false))
        }
        // An empty variable is one that is not set, as everywhere in a shell.
        let variables = environment.filter { $0.key.hasPrefix("DCD_") && !$0.value.isEmpty }
        reader = ConfigReader(providers: [
            EnvironmentVariablesProvider(environmentVariables: variables)
                .prefixKeys(with: "dcd"),
            InMemoryProvider(name: file, values: Dictionary(uniqueKeysWithValues: values)),
        ])
    }

    /// The folder that relative paths of the file are taken from.
    var folder: String {
        file.contains("/") ? String(file[..<file.lastIndex(of: "/")!]) + "/" : ""
    }

    private func isFromEnvironment(_ key: String) -> Bool {
        environment["DCD_" + key.uppercased()]?.isEmpty == false
    }

    private func source(_ key: String) -> String {
        isFromEnvironment(key) ? "$DCD_\(key.uppercased())" : file
    }

    func path(_ key: String, _ places: ConfigurationPlaces) throws(DaemonError) -> String? {
        guard let value = reader.string(forKey: ConfigKey(key)) else { return nil }
        guard !value.isEmpty, !value.utf8.contains(0) else {
            throw .invalidSetting(
                source: source(key), key: key, found: value, expected: "the path of a file")
        }
        return places.resolve(value, from: isFromEnvironment(key) ? "" : folder)
    }

    func threads() throws(DaemonError) -> Int? {
        guard let text = reader.string(forKey: "threads") else { return nil }
        guard let threads = Int(text), (1...1024).contains(threads) else {
            throw .invalidSetting(
                source: source("threads"), key: "threads", found: text,
                expected: "a number from 1 to 1024")
        }
        return threads
    }
}
