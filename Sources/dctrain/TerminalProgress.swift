/// Progress on standard error: a bar with rate and time left on a terminal, and elsewhere a
/// line now and then.
final class TerminalProgress {
    private let isTerminal = Terminal.isOnStandardError
    private let interval: Duration
    private var title = ""
    private var unit = ""
    private var total = 0
    private var doneBefore = 0
    private var start = ContinuousClock.now
    private var lastShown = ContinuousClock.now
    private var barIsShown = false

    init() {
        interval = isTerminal ? .milliseconds(200) : .seconds(20)
    }

    /// A piece of work of `total` items begins, 0 where that is unknown; `done` of them were done
    /// earlier and say nothing of the rate.
    func begin(_ title: String, total: Int, done: Int = 0, unit: String) {
        (self.title, self.total, self.unit, doneBefore) = (title, total, unit, done)
        start = .now
        lastShown = start
        if isTerminal { show("\(title) …") }
    }

    /// So many items are done.
    func advance(to done: Int) {
        let now = ContinuousClock.now
        guard now - lastShown > interval else { return }
        lastShown = now
        let seconds = (now - start) / .seconds(1)
        let rate = Double(done - doneBefore) / max(seconds, 1e-9)
        let share = total > 0 ? min(1, Double(done) / Double(total)) : 0
        let left = rate > 0 ? Int(Double(max(0, total - done)) / rate) : 0
        let tail = "\(Self.number(rate)) \(unit)/s, \(Self.time(left)) left"
        if isTerminal {
            let filled = Int(share * 24)
            let bar =
                String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
            show("\(title) \(bar) \(Int(share * 100)) %  \(tail)")
        } else {
            line("\(title): \(Int(share * 100)) %, \(tail)")
        }
    }

    /// The work is done.
    func end() { clear() }

    /// Prints a line of its own.
    func line(_ text: String) {
        clear()
        Terminal.write("\(text)\n")
    }

    private func show(_ text: String) {
        Terminal.write("\r\u{1B}[2K\(text.prefix(Terminal.columns - 1))")
        barIsShown = true
    }

    private func clear() {
        guard barIsShown else { return }
        Terminal.write("\r\u{1B}[2K")
        barIsShown = false
    }

    private static func number(_ rate: Double) -> String {
        rate < 10 ? "\(rate.rounded(to: 1))" : "\(Int(rate))"
    }

    private static func time(_ seconds: Int) -> String {
        let (minutes, rest) = (seconds / 60, seconds % 60)
        if minutes >= 60 { return "\(minutes / 60) h \(minutes % 60) min" }
        return minutes > 0 ? "\(minutes) min \(rest) s" : "\(rest) s"
    }
}
