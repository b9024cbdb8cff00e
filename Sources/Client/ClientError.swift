public import API

/// The reasons that the daemon gives no answer.
public enum ClientError: Error, Equatable, Sendable {
    /// Nothing listens on any of the sockets.
    case notRunning(tried: [String])
    /// The socket is there, and we may not use it.
    case notAllowed(socket: String)
    /// The connection broke before the answer was whole.
    case connectionLost(socket: String, reason: String)
    /// The answer is not one that this client knows.
    case unexpectedAnswer(socket: String, reason: String)
    /// The daemon's own words.
    case problem(Problem)
}

extension ClientError: CustomStringConvertible {
    /// What is wrong, and the remedy.
    public var description: String {
        switch self {
        case .notRunning(let tried):
            "no daemon answers on \(tried.map { "'\($0)'" }.joined(separator: " or ")): "
                + "start it with \(Self.startCommand(tried))"
        case .notAllowed(let socket):
            "you may not use the socket '\(socket)': join its group, with 'sudo usermod -aG dcd "
                + "$USER' for the system service, and log in again"
        case .connectionLost(let socket, let reason):
            "the daemon on '\(socket)' gave no whole answer (\(reason)): see its log, and try "
                + "again"
        case .unexpectedAnswer(let socket, let reason):
            "what answers on '\(socket)' is not a dcd of this version (\(reason)): name dcd's "
                + "socket with --socket"
        case .problem(let problem):
            problem.description
        }
    }

    private static func startCommand(_ tried: [String]) -> String {
        let isSystem = tried.contains(SocketPlaces.system)
        let isUser = tried.contains { $0.hasPrefix("/run/user/") }
        return switch (isUser, isSystem) {
        case (true, true):
            "'systemctl --user start dcd' (your own) or 'sudo systemctl start dcd' (the system's)"
        case (true, false): "'systemctl --user start dcd'"
        case (false, true): "'sudo systemctl start dcd'"
        case (false, false): "'dcd --config FILE'"
        }
    }
}
