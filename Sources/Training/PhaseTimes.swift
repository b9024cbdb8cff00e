package import Pictures
import Tensors

/// The time that each phase of an epoch took.
package final class PhaseTimes {
    private var entries: [(phase: ProgressPhase, seconds: Double, skipped: Double)] = []

    /// No times yet.
    package init() {}

    /// Adds the time of a phase, or of a part of one; `skipped` is the share of the phase that an
    /// earlier process did.
    package func add(_ phase: ProgressPhase, _ duration: Duration, skipped: Double = 0) {
        let seconds = duration / .seconds(1)
        if let index = entries.firstIndex(where: { $0.phase == phase }) {
            entries[index].seconds += seconds
            entries[index].skipped += skipped
        } else {
            entries.append((phase, seconds, skipped))
        }
    }

    /// The times since the last call; `pictures` tells how many a whole phase works on.
    package func take(pictures: (ProgressPhase) -> Double) -> [EpochMetrics.PhaseTime] {
        defer { entries = [] }
        return entries.filter { $0.skipped < 1 }.map { phase, seconds, skipped in
            EpochMetrics.PhaseTime(
                phase: phase, seconds: seconds,
                picturesPerSecond: pictures(phase) * (1 - skipped) / max(seconds, 1e-9))
        }
    }
}
