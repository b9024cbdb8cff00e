import Model
public import Tensors

extension FloatNetwork {
    /// Runs the network in training mode and keeps what `backward` needs: batch norm by the
    /// batch's statistics, which also move the running ones, and dropout.
    ///
    /// - Parameters:
    ///   - batch: `[n, height, width, channels]`.
    ///   - random: One number is drawn, which decides what is dropped.
    /// - Returns: The output, `[n, …]`.
    public func forward(
        _ batch: Tensor<Float>, using random: inout SeededGenerator
    ) -> Tensor<Float> {
        check(batch)
        let count = batch.shape[0]
        let seed = random.next()
        lastPass = (count, seed)
        let plan = trainingPlan
        plan.reserve(pictures: count)
        unsafe batch.elements.withUnsafeBufferPointer { pictures in
            unsafe plan.pointer(0)!.update(from: pictures.baseAddress!, count: pictures.count)
        }
        for step in plan.steps {
            step.layer.forward(pass(step, count: count, seed: seed))
        }
        return unsafe copy(plan.pointer(plan.value(network.output))!, outputShape, count: count)
    }

    /// Adds the gradients of the last `forward` to the parameters' gradients.
    ///
    /// - Parameter outputGradient: The loss's gradient by the output, `[n, …]`. It may be used
    ///   once for each `forward`, as memory is used again on the way.
    public func backward(_ outputGradient: Tensor<Float>) {
        guard let (count, seed) = lastPass else {
            preconditionFailure("backward without a forward pass before it")
        }
        lastPass = nil
        precondition(
            outputGradient.shape == Shape([count] + outputShape.extents),
            "a gradient of \(outputGradient.shape) for \(count) outputs of \(outputShape)")
        let plan = trainingPlan
        let output = plan.value(network.output)
        guard let target = unsafe plan.gradientPointer(output) else { return }
        unsafe outputGradient.elements.withUnsafeBufferPointer { gradient in
            unsafe target.update(from: gradient.baseAddress!, count: gradient.count)
        }
        var written: Set<Int> = [output]
        for step in plan.steps.reversed() {
            guard written.contains(step.output),
                let gradient = unsafe plan.gradientPointer(step.output)
            else { continue }
            var pass = pass(step, count: count, seed: seed)
            unsafe pass.outputGradient = gradient
            unsafe pass.inputGradients = targets(of: step, written: &written)
            step.layer.backward(pass)
        }
    }

    /// The gradient of the input after `backward`, `[n, height, width, channels]`.
    package func inputGradient(pictures: Int) -> Tensor<Float> {
        precondition(wantsInputGradient, "made without inputGradient")
        return unsafe copy(trainingPlan.gradientPointer(0)!, inputShape, count: pictures)
    }

    /// The gradients since the last step, by tensor name; those never reached are absent.
    package var gradients: [String: Tensor<Float>] {
        parameters.filter { !$0.value.gradientIsFresh }
            .mapValues { Tensor($0.gradient.elements($0.count), shape: $0.shape) }
    }

    private func pass(_ step: ExecutionPlan.Step, count: Int, seed: UInt64) -> LayerPass {
        let plan = trainingPlan
        return unsafe LayerPass(
            count: count, team: team, isTraining: true, seed: seed,
            inputs: step.inputs.map { unsafe plan.pointer($0)! },
            output: plan.pointer(step.output)!)
    }

    /// Where the gradients of a step's inputs go; the first to write one replaces what is there.
    @unsafe private func targets(
        of step: ExecutionPlan.Step, written: inout Set<Int>
    ) -> [LayerPass.InputGradient?] {
        // A layer with two inputs writes the second one's gradient first.
        step.inputs.reversed().map { input -> LayerPass.InputGradient? in
            guard let base = unsafe trainingPlan.gradientPointer(input) else { return nil }
            let isFirst = written.insert(input).inserted
            return unsafe LayerPass.InputGradient(base: base, accumulates: !isFirst)
        }.reversed()
    }

    private func copy(
        _ source: UnsafeMutablePointer<Float>, _ shape: Shape, count: Int
    ) -> Tensor<Float> {
        let elements = unsafe [Float](
            UnsafeBufferPointer(start: source, count: count * shape.count))
        return Tensor(elements, shape: Shape([count] + shape.extents))
    }
}
