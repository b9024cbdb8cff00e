package import Imaging
package import Model
package import Pictures
package import Training

/// Pictures of coloured shapes made in memory: the colour and the shape name the label.
package struct SyntheticPictures: PictureSource {
    package var count: Int
    var size = 16
    /// Numbers that cannot be decoded.
    package var broken: Set<Int>
    var isLabelled: Bool

    package init(count: Int, broken: Set<Int> = [], isLabelled: Bool = true) {
        (self.count, self.broken, self.isLabelled) = (count, broken, isLabelled)
    }

    package var place: String { "synthetic" }
    package var digest: String { "synthetic \(count)" }

    package func path(of index: Int) -> String { "shape-\(index)" }
    package func label(of index: Int) -> Int? { isLabelled ? index % 4 : nil }

    package func picture(at index: Int, for input: InputSpecification) throws -> Picture {
        if broken.contains(index) { throw Broken() }
        let color: [UInt8] = index % 2 == 0 ? [200, 40, UInt8(index % 50)] : [30, 60, 220]
        let isDisc = index % 4 < 2
        var pixels: [UInt8] = []
        for y in 0..<size {
            for x in 0..<size {
                let (dx, dy) = (x - size / 2 + index % 3, y - size / 2 - index % 5 + 2)
                let inside =
                    isDisc ? dx * dx + dy * dy < size * size / 9 : (x + index) % 6 < 3
                pixels += inside ? color : [240, UInt8(index % 16), 230]
            }
        }
        return Picture(width: size, height: size, pixels: pixels)
    }

    struct Broken: Error, CustomStringConvertible {
        var description: String { "no picture\tat all" }
    }
}

extension FitRequest {
    /// A run of two epochs, of some seconds at most.
    package static func tiny(_ recipe: Recipe, run: String) -> FitRequest {
        var request = FitRequest(images: "synthetic", run: run)
        request.recipe = recipe
        request.size = 16
        request.clusters = 4
        request.epochs = 2
        request.batch = 16
        request.threads = 2
        return request
    }
}

/// Notes what a run tells, and stops it after so many reports of progress.
package final class RecordingObserver: FitObserver {
    package private(set) var notes: [String] = []
    package private(set) var epochs: [EpochMetrics] = []
    package private(set) var phases: [ProgressPhase] = []
    /// For each phase the share that was done before it began.
    package private(set) var sharesDone: [Double] = []
    private var steps = 0
    private let stopAfter: Int?

    /// - Parameter stopAfter: The number of training steps after which the run should stop.
    package init(stopAfter: Int? = nil) { self.stopAfter = stopAfter }

    package var shouldStop: Bool { stopAfter.map { steps >= $0 } ?? false }

    package func begin(_ phase: ProgressPhase, epoch: Int?, total: Int, done: Int) {
        phases.append(phase)
        sharesDone.append(total > 0 ? Double(done) / Double(total) : 0)
    }
    package func advance(to done: Int) { if phases.last == .training { steps += 1 } }
    package func end(_ phase: ProgressPhase) {}
    package func finished(_ epoch: EpochMetrics) { epochs.append(epoch) }
    package func note(_ message: String) { notes.append(message) }
}
