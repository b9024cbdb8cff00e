import Kernels

/// Places activations in one picture's part of the arena so that two share bytes only where
/// their lifetimes do not meet.
package struct ArenaLayout {
    /// One activation: its bytes and the steps from the one that writes it to the last one that
    /// reads it.
    package struct Reservation {
        package var count: Int
        package var margin: Int
        package var lifetime: ClosedRange<Int>

        package init(count: Int, margin: Int, lifetime: ClosedRange<Int>) {
            (self.count, self.margin, self.lifetime) = (count, margin, lifetime)
        }

        package var extent: Int { ActivationSlot.extent(count: count, margin: margin) }
    }

    /// Where each reservation begins.
    package let offsets: [Int]
    /// The bytes of one picture's part.
    package let stride: Int

    /// Places the largest first, each at the lowest free place: "greedy by size" of Pisarchyk
    /// and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020
    /// (arXiv:2001.03288).
    package init(_ reservations: [Reservation]) {
        var offsets = [Int](repeating: 0, count: reservations.count)
        var placed: [Int] = []
        let order = reservations.indices.sorted {
            (reservations[$1].extent, $0) < (reservations[$0].extent, $1)
        }
        for index in order {
            let wanted = reservations[index]
            var offset = 0
            for other in placed.sorted(by: { offsets[$0] < offsets[$1] })
            where reservations[other].lifetime.overlaps(wanted.lifetime)
                && offset + wanted.extent > offsets[other]
            {
                offset = max(offset, offsets[other] + reservations[other].extent)
            }
            offsets[index] = offset
            placed.append(index)
        }
        self.offsets = offsets
        stride = placed.map { offsets[$0] + reservations[$0].extent }.max() ?? 0
    }

    /// The slot of a reservation.
    func slot(_ index: Int, _ reservation: Reservation) -> ActivationSlot {
        ActivationSlot(
            offset: offsets[index], count: reservation.count, margin: reservation.margin,
            stride: stride)
    }
}
