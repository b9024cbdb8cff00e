package import Metrics
import Synchronization

/// The metrics of this daemon, kept in memory and written in Prometheus' text format 0.0.4.
///
/// A backend for swift-metrics with as much as the daemon counts: counters, gauges, and for
/// recorders and timers the sum and the count.
package final class MetricsRegistry: MetricsFactory {
    /// A metric's name and labels.
    private struct Key: Hashable, Comparable {
        let name: String
        let labels: String

        static func < (left: Key, right: Key) -> Bool {
            (left.name, left.labels) < (right.name, right.labels)
        }
    }

    private let series = Mutex<[Key: Series]>([:])

    /// A registry without metrics.
    package init() {}

    /// Everything in Prometheus' text format, in the order of names.
    package func text() -> String {
        let all = series.withLock { $0 }.sorted { $0.key < $1.key }
        var text = ""
        var described = ""
        for (key, series) in all {
            if key.name != described {
                text += "# TYPE \(key.name) \(series.kind.rawValue)\n"
                described = key.name
            }
            text += series.text(name: key.name, labels: key.labels)
        }
        return text
    }

    private func find(_ label: String, _ dimensions: [(String, String)], _ kind: Series.Kind)
        -> Series
    {
        let labels = dimensions.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        return series.withLock { all in
            let key = Key(name: label, labels: labels)
            if let known = all[key] { return known }
            let new = Series(kind)
            all[key] = new
            return new
        }
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            .replacing("\n", with: "\\n")
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions, .counter)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        find(label, dimensions, .counter)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        find(label, dimensions, .gauge)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        find(label, dimensions, aggregate ? .summary : .gauge)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label, dimensions, .summary)
    }

    // Series live as long as the daemon: Prometheus wants them to stay.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}

/// One metric with one set of labels.
private final class Series: CounterHandler, FloatingPointCounterHandler, MeterHandler,
    RecorderHandler, TimerHandler
{
    enum Kind: String {
        case counter, gauge, summary
    }

    let kind: Kind
    private let total = Mutex<(sum: Double, count: Int)>((0, 0))

    init(_ kind: Kind) {
        self.kind = kind
    }

    func text(name: String, labels: String) -> String {
        let (sum, count) = total.withLock { $0 }
        let braces = labels.isEmpty ? "" : "{\(labels)}"
        guard kind == .summary else { return "\(name)\(braces) \(Self.number(sum))\n" }
        return "\(name)_sum\(braces) \(Self.number(sum))\n\(name)_count\(braces) \(count)\n"
    }

    private static func number(_ value: Double) -> String {
        Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private func add(_ value: Double) {
        total.withLock { $0 = ($0.sum + value, $0.count + 1) }
    }

    func set(_ value: Double) { total.withLock { $0 = (value, 1) } }
    func set(_ value: Int64) { set(Double(value)) }
    func increment(by amount: Int64) { add(Double(amount)) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) {
        if kind == .gauge { set(value) } else { add(value) }
    }
    // Prometheus' base unit is the second.
    func recordNanoseconds(_ duration: Int64) { add(Double(duration) / 1e9) }
    func reset() { total.withLock { $0 = (0, 0) } }
}
