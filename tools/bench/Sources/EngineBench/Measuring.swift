import Foundation
import Synchronization

/// The seconds that have passed.
func seconds(since start: ContinuousClock.Instant) -> Double {
    (ContinuousClock.now - start) / .seconds(1)
}

extension [Double] {
    /// The middle value, 0 for none.
    var median: Double {
        guard !isEmpty else { return 0 }
        return sorted()[count / 2]
    }
}

/// A sum that several threads add to.
final class Sum: Sendable {
    private let total = Atomic<UInt64>(0)
    var value: UInt64 { total.load(ordering: .relaxed) }

    func add(_ number: UInt64) { total.wrappingAdd(number, ordering: .relaxed) }
}
