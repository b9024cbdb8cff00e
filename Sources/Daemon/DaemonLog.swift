import Files
import FoundationEssentials
package import Logging

/// One line to standard error for each message: with an `sd-daemon` priority (sd-daemon(3)) where
/// the journal reads it, and with the time where it does not.
package struct DaemonLog: LogHandler {
    package var logLevel: Logger.Level = .info
    package var metadata: Logger.Metadata = [:]
    private let isJournal: Bool

    /// A log to standard error.
    package init(isJournal: Bool = journalReadsStandardError) {
        self.isJournal = isJournal
    }

    package subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let line = line(
            level: event.level, message: "\(event.message)",
            metadata: metadata.merging(event.metadata ?? [:]) { $1 })
        // One write a line, so that lines of several threads do not mix.
        ThisProcess.complain(line)
    }

    /// The text of a message, on one line whatever a file name holds.
    package func line(level: Logger.Level, message: String, metadata: Logger.Metadata) -> String {
        let fields = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        let prefix =
            isJournal
            ? "<\(Self.priority(level))>" : "\(Date.now.formatted(.iso8601)) \(level): "
        return prefix + (message + fields.joined()).replacing("\n", with: "\\n")
    }

    /// The syslog priority of a level.
    static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// Whether `$JOURNAL_STREAM` names the device and inode of our standard error.
    package static var journalReadsStandardError: Bool {
        guard let stream = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] else {
            return false
        }
        guard let error = try? FileStatus(of: "/dev/stderr", followingLinks: true) else {
            return false
        }
        return stream == "\(error.identity.device):\(error.identity.inode)"
    }
}
