package import LinearAlgebra
public import Model
public import Tensors

/// A network that runs and learns in Float on the CPU.
///
/// Activations are NHWC. The pictures of a batch are shared among a fixed number of threads;
/// for equal inputs, seed and thread count every result is the same to the last bit.
public final class FloatNetwork {
    /// The graph that is executed.
    public let network: Network
    /// One picture, `[height, width, channels]`.
    public let inputShape: Shape
    /// The output for one picture.
    public let outputShape: Shape
    /// The number of threads that share the work.
    public let threads: Int

    let shapes: [String: Shape]
    let parameters: [String: Parameter]
    let team: ThreadTeam
    let wantsInputGradient: Bool
    /// The convolutions' inner loops, those of this processor unless set before the first pass.
    package var loops = FloatLoops.current
    private let workspace: Workspace
    private var evaluationPlans: [Set<String>: ExecutionPlan] = [:]
    private(set) lazy var trainingPlan = plan(isTraining: true, keeping: [])
    /// The pictures and the dropout seed of the last training pass.
    var lastPass: (count: Int, seed: UInt64)?

    /// A network with the given weights.
    ///
    /// - Parameters:
    ///   - network: The graph to execute.
    ///   - inputShape: One picture, `[height, width, channels]`.
    ///   - tensors: At least every tensor the network needs; others are ignored.
    ///   - threads: Defaults to the processors this process may use.
    ///   - inputGradient: Whether `backward` also finds the gradient of the input.
    /// - Throws: `FloatNetworkError` where the graph does not fit together or a tensor is missing
    ///   or has another shape.
    public init(
        network: Network, inputShape: Shape, tensors: [String: Tensor<Float>],
        threads: Int? = nil, inputGradient: Bool = false
    ) throws(FloatNetworkError) {
        shapes = try Self.shapes(of: network, inputShape)
        var parameters: [String: Parameter] = [:]
        for tensor in Self.specifications(of: network, shapes: shapes) {
            parameters[tensor.name] = Parameter(
                tensor.name, tensor.shape, isTrained: tensor.role.isTrained)
        }
        self.network = network
        self.inputShape = inputShape
        self.parameters = parameters
        outputShape = shapes[network.output]!
        self.threads = max(1, threads ?? ThreadTeam.available)
        team = ThreadTeam(threads: self.threads)
        workspace = Workspace(threads: self.threads)
        wantsInputGradient = inputGradient
        try load(tensors)
    }

    /// The network of `other` for pictures of another size: weights, gradients, velocities and
    /// running statistics are the same objects, so that both learn one set of weights.
    ///
    /// - Throws: `FloatNetworkError.wrongShape` where a tensor fits pictures of one size alone.
    init(sharing other: FloatNetwork, inputShape: Shape) throws(FloatNetworkError) {
        shapes = try Self.shapes(of: other.network, inputShape)
        for tensor in Self.specifications(of: other.network, shapes: shapes) {
            let expected = other.parameters[tensor.name]!.shape
            guard tensor.shape == expected else {
                throw .wrongShape(tensor: tensor.name, expected: expected, found: tensor.shape)
            }
        }
        network = other.network
        self.inputShape = inputShape
        parameters = other.parameters
        outputShape = shapes[network.output]!
        (threads, team, workspace) = (other.threads, other.team, other.workspace)
        wantsInputGradient = false
    }

    /// The weights and running statistics by name, such as `conv1.weight`.
    ///
    /// Setting them needs every tensor of the network in its shape.
    public var tensors: [String: Tensor<Float>] {
        get { parameters.mapValues { Tensor($0.value.elements($0.count), shape: $0.shape) } }
        set {
            do throws(FloatNetworkError) {
                try load(newValue)
            } catch {
                preconditionFailure("\(error)")
            }
        }
    }

    /// Replaces the weights and running statistics.
    ///
    /// - Throws: `FloatNetworkError` for a missing or wrongly shaped tensor; nothing changes then.
    public func load(_ tensors: [String: Tensor<Float>]) throws(FloatNetworkError) {
        for (name, parameter) in parameters.sorted(by: { $0.key < $1.key }) {
            guard let tensor = tensors[name] else { throw .missingTensor(name: name) }
            guard tensor.shape == parameter.shape else {
                throw .wrongShape(tensor: name, expected: parameter.shape, found: tensor.shape)
            }
        }
        for (name, parameter) in parameters {
            parameter.value.copy(from: tensors[name]!.elements)
            parameter.generation += 1
        }
    }

    /// Runs the network in evaluation mode: batch norm by its running statistics, no dropout.
    ///
    /// The batch is worked through in runs of pictures whose activations take some tens of
    /// megabytes, however large it is.
    ///
    /// - Parameters:
    ///   - batch: `[n, height, width, channels]`.
    ///   - names: Layers whose outputs are wanted too.
    /// - Returns: The output, `[n, …]`, and the captured layers' outputs by name.
    public func evaluate(
        _ batch: Tensor<Float>, capturing names: Set<String> = []
    ) -> (output: Tensor<Float>, captured: [String: Tensor<Float>]) {
        check(batch)
        for name in names {
            precondition(shapes[name] != nil, "no layer is called '\(name)'")
        }
        let plan = evaluationPlan(capturing: names)
        let count = batch.shape[0]
        var results: [Int: [Float]] = [:]
        for name in names.union([network.output]) {
            results[plan.value(name)] = [Float](
                repeating: 0, count: count * shapes[name]!.count)
        }
        unsafe batch.elements.withUnsafeBufferPointer { pictures in
            let step = Self.picturesAtOnce(plan)
            for start in stride(from: 0, to: count, by: step) {
                let first = unsafe UnsafeMutablePointer(
                    mutating: pictures.baseAddress! + start * inputShape.count)
                unsafe run(
                    plan, first, pictures: start..<min(start + step, count), into: &results)
            }
        }
        func tensor(_ name: String) -> Tensor<Float> {
            Tensor(results[plan.value(name)]!, shape: Shape([count] + shapes[name]!.extents))
        }
        let captured = names.map { ($0, tensor($0)) }
        return (tensor(network.output), Dictionary(uniqueKeysWithValues: captured))
    }

    /// Runs some pictures and copies what is wanted of each step out.
    @unsafe private func run(
        _ plan: ExecutionPlan, _ input: UnsafeMutablePointer<Float>, pictures: Range<Int>,
        into results: inout [Int: [Float]]
    ) {
        plan.reserve(pictures: pictures.count)
        func collect(_ value: Int) {
            guard results[value] != nil else { return }
            let size = plan.values[value].shape.count
            let source = unsafe plan.pointer(value) ?? input
            unsafe results[value]!.withUnsafeMutableBufferPointer { target in
                unsafe (target.baseAddress! + pictures.lowerBound * size).update(
                    from: source, count: pictures.count * size)
            }
        }
        collect(0)
        for step in plan.steps {
            let inputs = unsafe step.inputs.map { unsafe plan.pointer($0) ?? input }
            unsafe step.layer.forward(
                LayerPass(
                    count: pictures.count, team: team, isTraining: false, seed: 0,
                    inputs: inputs, output: plan.pointer(step.output)!))
            collect(step.output)
        }
    }

    /// As many pictures as fit in 64 MiB: linear layers read all their weights for each run,
    /// so that runs should not be short.
    private static func picturesAtOnce(_ plan: ExecutionPlan) -> Int {
        let bytes = max(1, plan.bufferSizes.reduce(0, +) * MemoryLayout<Float>.size)
        return min(256, max(8, (64 << 20) / bytes))
    }

    private func evaluationPlan(capturing names: Set<String>) -> ExecutionPlan {
        if let plan = evaluationPlans[names] { return plan }
        let made = plan(isTraining: false, keeping: names)
        evaluationPlans[names] = made
        return made
    }

    private func plan(isTraining: Bool, keeping names: Set<String>) -> ExecutionPlan {
        ExecutionPlan(
            network,
            layers: LayerFactory(
                network, shapes: shapes, parameters: parameters, workspace: workspace,
                loops: loops),
            isTraining: isTraining, keeping: names,
            inputGradient: isTraining && wantsInputGradient)
    }

    func check(_ batch: Tensor<Float>) {
        precondition(
            batch.shape.rank > 0 && Array(batch.shape.extents.dropFirst()) == inputShape.extents,
            "a batch of \(batch.shape), the network takes pictures of \(inputShape)")
        precondition(batch.shape[0] > 0, "an empty batch")
    }
}
