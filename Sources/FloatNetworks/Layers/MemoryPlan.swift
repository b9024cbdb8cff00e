import Tensors

/// Which buffer each activation and gradient lives in, decided once for all batches.
///
/// Time counts the steps forward, 0..<n, and then back, n..<2n. Each activation and gradient
/// lives from when it is first written to when it is last read; buffers are handed out in the
/// order of birth, to the best fit among those that are free.
struct MemoryPlan {
    private(set) var valueBuffers: [Int?]
    private(set) var gradientBuffers: [Int?]
    /// Elements for one picture.
    private(set) var bufferSizes: [Int] = []

    private struct Interval {
        var birth, death: Int
        let size: Int
    }
    private var intervals: [Interval] = []
    private let steps: [ExecutionPlan.Step]
    private let sizes: [Int]
    private let isTraining: Bool
    private let output: Int
    private var uses: [Int]

    init(
        steps: [ExecutionPlan.Step], values: [ExecutionPlan.Value], isTraining: Bool,
        kept: Set<Int>, output: Int, inputGradient: Bool
    ) {
        (self.steps, self.isTraining, self.output) = (steps, isTraining, output)
        sizes = values.map { $0.shape.count }
        uses = [Int](repeating: 0, count: values.count)
        for step in steps { for input in step.inputs { uses[input] += 1 } }
        valueBuffers = [Int?](repeating: nil, count: values.count)
        gradientBuffers = valueBuffers
        placeValues(kept: kept)
        if isTraining { placeGradients(inputGradient: inputGradient) }
        assignBuffers()
    }

    private func backwardTime(_ step: Int) -> Int { 2 * steps.count - 1 - step }

    /// Gives every activation an interval, its own or the one it overwrites.
    private mutating func placeValues(kept: Set<Int>) {
        var overwritable = [Bool](repeating: false, count: sizes.count)
        // In training the input is copied, as the first layer reads it again at the very end.
        if isTraining { valueBuffers[0] = add(birth: 0, size: sizes[0]) }
        for (time, step) in steps.enumerated() {
            let layer = step.layer
            let first = step.inputs[0]
            if layer.worksInPlace, !(isTraining && layer.needsInputs), uses[first] == 1,
                overwritable[first], !kept.contains(first)
            {
                valueBuffers[step.output] = valueBuffers[first]
            } else {
                valueBuffers[step.output] = add(birth: time, size: sizes[step.output])
            }
            overwritable[step.output] = !(isTraining && layer.needsOutput)
            for input in step.inputs {
                extend(valueBuffers[input], to: time)
                if isTraining, layer.needsInputs {
                    extend(valueBuffers[input], to: backwardTime(time))
                }
            }
            extend(valueBuffers[step.output], to: time)
            if isTraining, layer.needsOutput {
                extend(valueBuffers[step.output], to: backwardTime(time))
            }
        }
        // The output is read when all steps are done, and no step backward may come before.
        extend(valueBuffers[output], to: steps.count - 1)
    }

    /// Gives an interval to every gradient that a parameter, or the caller, waits for.
    private mutating func placeGradients(inputGradient: Bool) {
        var wanted = [Bool](repeating: false, count: sizes.count)
        wanted[0] = inputGradient
        for step in steps {
            wanted[step.output] =
                step.layer.parameters.contains(where: \.isTrained)
                || step.inputs.contains { wanted[$0] }
        }
        guard wanted[output] else { return }
        gradientBuffers[output] = add(birth: steps.count, size: sizes[output])
        for (index, step) in steps.enumerated().reversed() {
            guard let gradient = gradientBuffers[step.output] else { continue }
            let time = backwardTime(index)
            extend(gradient, to: time)
            for (position, input) in step.inputs.enumerated() where wanted[input] {
                if gradientBuffers[input] != nil {
                    extend(gradientBuffers[input], to: time)
                } else if position == 0, step.layer.worksInPlace, uses[input] == 1 {
                    gradientBuffers[input] = gradient
                } else {
                    gradientBuffers[input] = add(birth: time, size: sizes[input])
                }
            }
        }
        if inputGradient { extend(gradientBuffers[0], to: 2 * steps.count) }
    }

    private mutating func add(birth: Int, size: Int) -> Int {
        intervals.append(Interval(birth: birth, death: birth, size: size))
        return intervals.count - 1
    }

    private mutating func extend(_ interval: Int?, to time: Int) {
        guard let interval else { return }
        intervals[interval].death = max(intervals[interval].death, time)
    }

    /// Turns the indices of intervals into those of buffers.
    private mutating func assignBuffers() {
        var freeAfter: [Int] = []
        var bufferOf = [Int](repeating: 0, count: intervals.count)
        for index in intervals.indices.sorted(by: {
            (intervals[$0].birth, $0) < (intervals[$1].birth, $1)
        }) {
            let interval = intervals[index]
            let free = freeAfter.indices.filter { freeAfter[$0] < interval.birth }
            // The smallest that is large enough, else the largest, which then grows.
            let best =
                free.filter { bufferSizes[$0] >= interval.size }
                .min { (bufferSizes[$0], $0) < (bufferSizes[$1], $1) }
                ?? free.max { (bufferSizes[$0], $1) < (bufferSizes[$1], $0) }
            if let best {
                bufferSizes[best] = max(bufferSizes[best], interval.size)
                freeAfter[best] = interval.death
                bufferOf[index] = best
            } else {
                bufferOf[index] = bufferSizes.count
                bufferSizes.append(interval.size)
                freeAfter.append(interval.death)
            }
        }
        valueBuffers = valueBuffers.map { $0.map { bufferOf[$0] } }
        gradientBuffers = gradientBuffers.map { $0.map { bufferOf[$0] } }
    }
}
