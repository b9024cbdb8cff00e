import CSystemd

/// What systemd is told about this service (sd_notify(3)); outside systemd nothing happens.
struct ServiceManager: Sendable {
    /// Whether someone listens to notifications.
    let isPresent: Bool
    /// How often a sign of life is wanted, half of `WATCHDOG_USEC`; nil if none is.
    let watchdogInterval: Duration?

    /// Reads the environment.
    init() {
        var microseconds: UInt64 = 0
        let isWatched = unsafe sd_watchdog_enabled(0, &microseconds) > 0
        watchdogInterval =
            isWatched ? .microseconds(Int64(min(microseconds / 2, UInt64(Int64.max)))) : nil
        // An empty message reaches the socket, if there is one, and says nothing.
        isPresent = unsafe sd_notify(0, "") > 0
    }

    /// Sends lines such as `READY=1`.
    func notify(_ lines: String...) {
        guard isPresent else { return }
        _ = unsafe sd_notify(0, lines.joined(separator: "\n"))
    }
}
