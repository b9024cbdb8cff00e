/// The purposes for which random numbers are drawn, each a sequence of its own.
///
/// A generator is made from the run's seed, the purpose, and where in the run it is: nothing
/// depends on what was drawn before, so a resumed run needs no generator's state.
package enum RandomStream: UInt64, Sendable {
    /// The seed of who gives none.
    package static let standardSeed: UInt64 = 31

    case selection = 1
    case weights, order, crop, dropout, clustering, head, shipping, projection

    /// A generator for one place in the run, such as an epoch and a step.
    package func generator(seed: UInt64, _ place: Int...) -> SeededGenerator {
        // Knuth's multiplier keeps different places apart.
        let stream = place.reduce(rawValue) { mixed, part in
            (mixed &+ UInt64(bitPattern: Int64(part)) &+ 1) &* 6_364_136_223_846_793_005
        }
        return SeededGenerator(seed: seed, stream: stream)
    }
}
