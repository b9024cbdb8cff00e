import RealModule

/// A learning rate that rises linearly to its peak and then falls along half a cosine to a
/// thousandth of it.
package struct CosineSchedule: Sendable {
    /// The highest rate.
    package let peak: Float
    /// The share of the steps in which the rate rises.
    package let warmUp: Float
    /// The number of steps of the whole run.
    package let steps: Int

    /// A schedule over so many steps.
    package init(peak: Float, warmUp: Float, steps: Int) {
        (self.peak, self.warmUp, self.steps) = (peak, warmUp, steps)
    }

    /// The rate of one step, from 0.
    package func rate(at step: Int) -> Float {
        let rising = Int((warmUp * Float(steps)).rounded())
        if step < rising { return peak * Float(step + 1) / Float(rising) }
        let share = Double(step - rising) / Double(max(1, steps - rising))
        let low = peak / 1000
        return low + (peak - low) * Float(0.5 * (1 + Double.cos(Double.pi * share)))
    }
}
