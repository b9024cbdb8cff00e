import Foundation
import Inference
import Model

/// What running an int8 checkpoint takes on this machine, one picture at a time on one thread, as
/// `dcd` runs it by default for a query.
struct PlanSummary: Encodable {
    /// The row of kernels, as `DC_ISA` takes it.
    let instructionSet: String
    /// The bytes of packed weights, tables and activations: all that the engine ever takes.
    let peakMemory: Int
    /// The time that packing and laying out took.
    let milliseconds: Double

    /// Plans the checkpoint; `nil` where this engine has nothing to run: a float checkpoint, or
    /// one without clusters.
    init?(_ checkpoint: Checkpoint) throws(InferenceError) {
        guard checkpoint.precision == .int8, checkpoint.clustering != nil else { return nil }
        let start = ContinuousClock.now
        let plan = try InferencePlan(checkpoint)
        milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        instructionSet = plan.instructionSet
        peakMemory = plan.peakMemory
    }

    /// One line of text.
    var text: String {
        let size = String(format: "%.1f", Double(peakMemory) / 1_048_576)
        let time = String(format: "%.0f", milliseconds)
        return
            "\(size) MiB for a picture at a time on the \(instructionSet) row, made in \(time) ms"
    }
}
