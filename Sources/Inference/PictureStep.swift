import Kernels
import Tensors

/// A layer that works on one picture at a time.
///
/// A class for the reason that `IntegerConvolution` is one.
final class PictureStep: Sendable {
    enum Operation: Sendable {
        case convolution(
            IntegerConvolution, copy: ActivationSlot?,
            sum: (addition: IntegerAddition, other: ActivationSlot)? = nil)
        case pool(IntegerPool)
        case addition(IntegerAddition, with: ActivationSlot)
    }

    let layer: String
    let operation: Operation
    let input: ActivationSlot
    let output: ActivationSlot
    let arena: Arena

    init(
        layer: String, operation: Operation, input: ActivationSlot, output: ActivationSlot,
        arena: Arena
    ) {
        (self.layer, self.operation, self.arena) = (layer, operation, arena)
        (self.input, self.output) = (input, output)
    }

    /// Readies the margin of a picture's input, before anything else is run.
    func fillMargin(picture: Int) {
        if case .convolution(let convolution, _, _) = operation {
            convolution.fillMargin(in: arena, of: input, picture: picture)
        }
    }

    /// Whether `pad` is to be run before the parts.
    var hasPadding: Bool {
        if case .convolution(_, _?, _) = operation { true } else { false }
    }

    /// Makes one of `parts` parts of the padded copy of a picture's input.
    func pad(picture: Int, part: Int, of parts: Int) {
        guard case .convolution(let convolution, let copy?, _) = operation else { return }
        let rows = (0..<convolution.geometry.paddedHeight).part(part, of: parts, step: 1)
        convolution.pad(in: arena, from: input, to: copy, picture: picture, rows: rows)
    }

    /// The bytes of scratch that a run needs.
    var scratchCount: Int {
        if case .convolution(let convolution, _, _) = operation {
            convolution.scratchCount
        } else {
            0
        }
    }

    /// Computes one of `parts` parts of a picture's output.
    func run(picture: Int, part: Int, of parts: Int, scratch: Scratch) {
        switch operation {
        case .convolution(let convolution, let copy, let sum):
            var positions = 0..<convolution.geometry.positions
            var panels = 0..<convolution.panels
            if splitsPanels(convolution) {
                panels = panels.part(part, of: parts)
            } else {
                // 24 is a multiple of most tiles' heights.
                let step = convolution.positionStep
                positions = positions.part(part, of: parts, step: step > 1 ? step : 24)
            }
            convolution.run(
                in: arena, from: copy ?? input, to: output, picture: picture,
                positions: positions, panels: panels, scratch: scratch, adding: sum)
        case .pool(let pool):
            let rows = (0..<pool.geometry.outputHeight).part(part, of: parts, step: 1)
            pool.run(in: arena, from: input, to: output, picture: picture, rows: rows)
        case .addition(let addition, let other):
            let elements = (0..<output.count).part(part, of: parts, step: 64)
            addition.run(
                in: arena, from: input, and: other, to: output, picture: picture,
                elements: elements)
        }
    }

    /// How many parts a picture is cut into for `threads` threads: as many for each, and several
    /// where there is work for it, so that a thread that loses its core to another program leaves
    /// the rest to the others.
    ///
    /// What takes less than a few microseconds is not cut. The speeds are orders of magnitude.
    func parts(threads: Int) -> Int {
        guard threads > 1 else { return 1 }
        let nanoseconds =
            switch operation {
            case .convolution(let convolution, _, _):
                convolution.geometry.positions * convolution.geometry.weights
                    / (convolution.geometry.groups > 1 ? 40 : 200)
            case .pool(let pool):
                output.count * pool.geometry.kernelHeight * pool.geometry.kernelWidth / 20
            case .addition: output.count / 8
            }
        guard nanoseconds > 4_000 else { return 1 }
        return threads * min(4, max(1, nanoseconds / threads / 8_000))
    }

    /// Threads share the filters where those outweigh the map, so that each reads half of them.
    private func splitsPanels(_ convolution: IntegerConvolution) -> Bool {
        convolution.geometry.weights > input.count && convolution.panels >= 8
    }

    /// The bytes taken by packed filters and tables.
    var byteCount: Int {
        switch operation {
        case .convolution(let convolution, _, _): convolution.byteCount
        case .pool(let pool): pool.byteCount
        case .addition: 0
        }
    }
}
