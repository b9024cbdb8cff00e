import Daemon
import Logging
import Testing

struct DaemonLogTests {
    @Test(arguments: [
        (Logger.Level.debug, 7), (.info, 6), (.notice, 5), (.warning, 4), (.error, 3),
        (.critical, 2),
    ])
    func theJournalGetsPriorities(level: Logger.Level, priority: Int) {
        let log = DaemonLog(isJournal: true)
        #expect(log.line(level: level, message: "it is", metadata: [:]) == "<\(priority)>it is")
    }

    @Test func othersGetTheTimeAndTheFields() {
        let line = DaemonLog(isJournal: false).line(
            level: .warning, message: "it is", metadata: ["b": "2", "a": "1"])
        #expect(line.hasSuffix("Z warning: it is a=1 b=2"))
    }

    @Test func aMessageIsOneLine() {
        let line = DaemonLog(isJournal: true).line(
            level: .info, message: "a\n<2>b", metadata: ["path": "x\ny"])
        #expect(line == "<6>a\\n<2>b path=x\\ny")
    }
}
