import Files
import FoundationEssentials

/// The usual places of files, from the environment: those that systemd made for a service, then
/// those of the XDG base directories.
struct ConfigurationPlaces {
    private let environment: [String: String]

    init(_ environment: [String: String]) {
        self.environment = environment
    }

    /// A variable that holds an absolute path; the XDG specification says to ignore others.
    private func folder(_ variable: String) -> String? {
        // systemd joins several folders with colons; ours is the first.
        guard let value = environment[variable]?.split(separator: ":").first,
            value.hasPrefix("/")
        else { return nil }
        return String(value)
    }

    private var home: String? { folder("HOME") }

    /// The configuration file that exists.
    func configuration() throws(DaemonError) -> String {
        let user = folder("XDG_CONFIG_HOME") ?? home.map { $0 + "/.config" }
        let places = (user.map { [$0 + "/dcd/dcd.yaml"] } ?? []) + ["/etc/dcd/dcd.yaml"]
        for place in places where FileStatus.exists(at: FilePath(place)) {
            return place
        }
        throw .noConfiguration(tried: places)
    }

    /// The index: in systemd's state folder, or the user's.
    func index() throws(DaemonError) -> String {
        if let state = folder("STATE_DIRECTORY") { return state + "/index.sqlite" }
        let user = folder("XDG_STATE_HOME") ?? home.map { $0 + "/.local/state" }
        guard let user else { throw .noDefault(key: "index", variable: "DCD_INDEX") }
        return user + "/dcd/index.sqlite"
    }

    /// The socket: in systemd's run-time folder, or the user's.
    func socket() throws(DaemonError) -> String {
        if let runtime = folder("RUNTIME_DIRECTORY") { return runtime + "/dcd.sock" }
        guard let user = folder("XDG_RUNTIME_DIR") else {
            throw .noDefault(key: "socket", variable: "DCD_SOCKET")
        }
        return user + "/dcd/dcd.sock"
    }

    /// An absolute path without `.`, `..`, doubled or trailing slashes.
    ///
    /// A relative path is taken from `folder`, which ends in a slash, or is empty for the
    /// current folder.
    func resolve(_ path: String, from folder: String) -> String {
        var path = path
        if path.hasPrefix("~/"), let home {
            path = home + path.dropFirst()
        } else if !path.hasPrefix("/") {
            path = folder + path
        }
        if !path.hasPrefix("/") {
            path = FileManager.default.currentDirectoryPath + "/" + path
        }
        return FilePath(path).normalized.description
    }
}
