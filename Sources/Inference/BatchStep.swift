import Kernels

/// A layer that works on all pictures of a batch at once, so that its weights are read once.
struct BatchStep: Sendable {
    enum Output: Sendable {
        case activation(ActivationSlot)
        case accumulators(AlignedMemory<Int32>)
    }

    let layer: String
    let linear: IntegerLinear
    let output: Output
    let arena: Arena

    func run(pictures: Int, part: Int, of parts: Int) {
        let panels = (0..<linear.panels).part(part, of: parts)
        switch output {
        case .activation(let slot):
            linear.run(in: arena, to: slot, pictures: pictures, panels: panels)
        case .accumulators(let memory):
            linear.accumulate(in: arena, into: memory, pictures: pictures, panels: panels)
        }
    }

    /// How many parts the outputs are cut into; 64 KiB of weights are read in a few microseconds.
    func parts(threads: Int) -> Int {
        threads > 1 && linear.byteCount > 1 << 16 ? threads * 4 : 1
    }
}
