import API
import Logging
import ServiceLifecycle

/// Tells systemd when the daemon is ready, what it does, that it lives, and that it stops.
///
/// Outside systemd it does the same and nobody listens.
struct ServiceReporter: Service {
    let manager: ServiceManager
    let readiness: Readiness
    /// What the daemon is doing; it goes through the index, so a hung one gives no sign of life.
    let status: @Sendable () async throws -> Status
    let logger: Logger
    /// Called when the daemon is to stop.
    let onStopping: @Sendable () -> Void

    /// How often progress is told.
    private static let interval = Duration.seconds(2)

    func run() async throws {
        await withGracefulShutdownHandler {
            await readiness.wait()
            if readiness.state == .ready {
                manager.notify("READY=1", "STATUS=ready")
                logger.info("ready")
            }
            await report()
        } onGracefulShutdown: {
            manager.notify("STOPPING=1", "STATUS=stopping")
            readiness.change(to: .stopping)
            logger.info("stopping")
            onStopping()
        }
    }

    /// Reports until the daemon is to stop.
    private func report() async {
        let interval = min(Self.interval, manager.watchdogInterval ?? Self.interval)
        var told = ""
        while manager.isPresent && readiness.state == .ready && !Task.isCancelled {
            do {
                let line = Self.line(try await status())
                if manager.watchdogInterval != nil { manager.notify("WATCHDOG=1") }
                if line != told && readiness.state == .ready { manager.notify("STATUS=\(line)") }
                told = line
            } catch {
                logger.error("no sign of life: \(error)")
            }
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
        }
        // A service that returns would end the others.
        try? await gracefulShutdown()
    }

    /// The state on one line, as `systemctl status` shows it.
    static func line(_ status: Status) -> String {
        let counts = status.images
        var line = "\(status.activity); \(counts.indexed) pictures in \(status.clusters) clusters"
        if counts.failed > 0 { line += ", \(counts.failed) failed" }
        if let left = status.progress.secondsLeft, status.progress.pending > 0 {
            line += ", \(Int(left.rounded(.up))) s left"
        }
        return line
    }
}
