/// Where the daemon's socket may be.
public struct SocketPlaces: Sendable, Equatable {
    /// The socket of the system service.
    public static let system = "/run/dcd/dcd.sock"

    /// The sockets to try, in this order.
    public let paths: [String]

    /// The place that was named, or else the one in `$DCD_SOCKET`, or else the user's and then
    /// the system's.
    ///
    /// A place that someone named is the only one: another daemon's answer would mislead.
    public init(named: String?, environment: [String: String]) {
        if let named {
            paths = [named]
        } else if let variable = environment["DCD_SOCKET"], !variable.isEmpty {
            paths = [variable]
        } else if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/") {
            paths = [runtime + "/dcd/dcd.sock", Self.system]
        } else {
            paths = [Self.system]
        }
    }
}
