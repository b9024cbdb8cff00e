public import Files

/// The reasons that the daemon does not start.
///
/// What goes wrong while it runs is answered to the client that asked (`Problem`) or stored with
/// the picture; nothing of it ends the daemon.
public enum DaemonError: Error, Equatable, Sendable {
    /// No configuration file was named and none lies at its usual places.
    case noConfiguration(tried: [String])
    /// The configuration file cannot be read.
    case unreadableConfiguration(file: String, reason: String)
    /// The configuration file is no YAML.
    case invalidYAML(file: String, reason: String)
    /// A key that no setting has.
    case unknownKey(file: String, line: Int?, key: String, known: [String])
    /// A setting that must be given and is not.
    case missingSetting(file: String, key: String, variable: String)
    /// A setting with a value that it cannot have.
    case invalidSetting(source: String, key: String, found: String, expected: String)
    /// Two watched folders, one inside the other or the same.
    case nestedFolders(file: String, outer: String, inner: String)
    /// No place for the socket or the index is known.
    case noDefault(key: String, variable: String)
    /// The model has no clusters.
    case noClusters(model: String)
    /// The model cannot run here.
    case unusableModel(model: String, reason: String)
    /// A daemon answers on the socket already.
    case socketInUse(path: String)
    /// There is a file at the socket's path that is no socket.
    case notASocket(path: String)
    /// The socket's path does not fit the kernel's address.
    case socketPathTooLong(path: String, limit: Int)
    /// systemd passed a descriptor that is no listening Unix stream socket, or several.
    case invalidActivation(reason: String)
    /// A system call failed.
    case system(SystemCallError)
}

extension DaemonError: CustomStringConvertible {
    /// What is wrong, and the remedy.
    public var description: String {
        switch self {
        case .noConfiguration(let tried):
            "no configuration file at \(tried.joined(separator: " or ")): write one, or name "
                + "yours with --config FILE"
        case .unreadableConfiguration(let file, let reason):
            "the configuration '\(file)' cannot be read (\(reason)): check the path and its "
                + "permissions"
        case .invalidYAML(let file, let reason):
            "the configuration '\(file)' is not valid YAML (\(reason)): correct that line"
        case .unknownKey(let file, let line, let key, let known):
            "\(Self.place(file, line)): unknown key '\(key)': take it out, or use one of "
                + known.joined(separator: ", ")
        case .missingSetting(let file, let key, let variable):
            "the configuration '\(file)' has no '\(key)': add it, or set $\(variable)"
        case .invalidSetting(let source, let key, let found, let expected):
            "\(source): '\(key)' is '\(found)': give \(expected)"
        case .nestedFolders(let file, let outer, let inner):
            "the configuration '\(file)' watches '\(inner)' and '\(outer)', which holds it: "
                + "keep one of the two"
        case .noDefault(let key, let variable):
            "there is no usual place for the \(key), since neither the home folder nor "
                + "$XDG_RUNTIME_DIR is known: set '\(key)' in the configuration, or $\(variable)"
        case .noClusters(let model):
            "the model '\(model)' has no clusters: make one with 'dctrain cluster', or with "
                + "'dctrain fit' and then 'dctrain quantize'"
        case .unusableModel(let model, let reason):
            "the model '\(model)' cannot run here (\(reason)): quantize it again with "
                + "'dctrain quantize'"
        case .socketInUse(let path):
            "another dcd answers on '\(path)': stop that one, or set another 'socket'"
        case .notASocket(let path):
            "there is a file at '\(path)' that is no socket: move it away, or set another "
                + "'socket'"
        case .socketPathTooLong(let path, let limit):
            "the socket path '\(path)' has \(path.utf8.count) bytes and the kernel takes "
                + "\(limit): set a shorter 'socket'"
        case .invalidActivation(let reason):
            "the socket that was passed cannot be used (\(reason)): pass one listening Unix "
                + "stream socket, as systemd/dcd.socket does"
        case .system(let error):
            "\(error): check the folder and its permissions"
        }
    }

    private static func place(_ file: String, _ line: Int?) -> String {
        line.map { "\(file):\($0)" } ?? file
    }
}
