import Model
import Tensors

/// One way to run a network: its steps in order, what is fused, and which memory each
/// activation and each gradient lives in.
///
/// Two activations share memory where one is needed no longer when the other begins. In a
/// training plan time runs through the steps forward and then back again, so an activation that
/// the backward pass reads lives until then, and gradients take the memory of activations
/// that it does not read.
final class ExecutionPlan {
    /// One layer, or a few fused ones.
    struct Step {
        let layer: any FloatLayer
        let inputs: [Int]
        let output: Int
    }

    /// An activation, and where it and its gradient are kept.
    struct Value {
        let name: String
        let shape: Shape
        /// An index into `buffers`; nil for the network's input in evaluation, which is read
        /// where the caller has it.
        var buffer: Int?
        var gradientBuffer: Int?
    }

    let steps: [Step]
    let isTraining: Bool
    private(set) var values: [Value]
    /// Elements of each buffer for one picture.
    private(set) var bufferSizes: [Int] = []
    private let buffers: [Buffer<Float>]
    /// Where the values with these names are found.
    private let index: [String: Int]

    /// A plan for the given network.
    ///
    /// - Parameters:
    ///   - network: The graph.
    ///   - layers: Makes its layers.
    ///   - isTraining: Whether the backward pass must be possible.
    ///   - kept: Layers whose outputs must exist as they are, so that nothing fused or
    ///     overwritten hides them.
    ///   - inputGradient: Whether the gradient of the network's input is wanted.
    init(
        _ network: Network, layers: LayerFactory, isTraining: Bool, keeping kept: Set<String>,
        inputGradient: Bool
    ) {
        let kept = kept.union([network.output])
        var values = [Value(name: Network.input, shape: layers.shapes[Network.input]!)]
        var index = [Network.input: 0]
        var steps: [Step] = []
        for fused in Fusion.groups(of: network, isTraining: isTraining, keeping: kept) {
            let output = fused.last!.name
            steps.append(
                Step(
                    layer: layers.make(fused), inputs: fused[0].inputs.map { index[$0]! },
                    output: values.count))
            index[output] = values.count
            values.append(Value(name: output, shape: layers.shapes[output]!))
        }
        let memory = MemoryPlan(
            steps: steps, values: values, isTraining: isTraining,
            kept: Set(kept.compactMap { index[$0] }), output: index[network.output]!,
            inputGradient: inputGradient)
        for value in values.indices {
            values[value].buffer = memory.valueBuffers[value]
            values[value].gradientBuffer = memory.gradientBuffers[value]
        }
        (self.steps, self.values, self.isTraining, self.index) = (steps, values, isTraining, index)
        bufferSizes = memory.bufferSizes
        buffers = memory.bufferSizes.map { _ in Buffer() }
    }

    /// Makes room for a batch; what the buffers held may be lost.
    func reserve(pictures: Int) {
        for (buffer, size) in zip(buffers, bufferSizes) { buffer.reserve(pictures * size) }
    }

    /// The index of the named activation.
    func value(_ name: String) -> Int { index[name]! }

    /// The memory of an activation.
    @unsafe func pointer(_ value: Int) -> UnsafeMutablePointer<Float>? {
        guard let buffer = values[value].buffer else { return nil }
        return unsafe buffers[buffer].base
    }

    /// The memory of an activation's gradient, nil where none is needed.
    @unsafe func gradientPointer(_ value: Int) -> UnsafeMutablePointer<Float>? {
        guard let buffer = values[value].gradientBuffer else { return nil }
        return unsafe buffers[buffer].base
    }
}

/// Which layers run as one.
enum Fusion {
    /// The network's layers in runs that are executed together, in order.
    ///
    /// A batch norm takes the activation after it along, since both read and write the same
    /// elements; in evaluation a convolution takes both, while its tile is in the cache, and a
    /// sum takes its activation.
    static func groups(
        of network: Network, isTraining: Bool, keeping kept: Set<String>
    ) -> [[Layer]] {
        var uses: [String: Int] = [:]
        for layer in network.layers { for input in layer.inputs { uses[input, default: 0] += 1 } }
        var taken: Set<String> = []
        var groups: [[Layer]] = []
        for layer in network.layers where !taken.contains(layer.name) {
            var group = [layer]
            while let next = network.layers.first(where: { $0.inputs == [group.last!.name] }),
                uses[group.last!.name] == 1, !kept.contains(group.last!.name),
                joins(next.kind, group.map(\.kind), isTraining: isTraining)
            {
                group.append(next)
                taken.insert(next.name)
            }
            groups.append(group)
        }
        return groups
    }

    private static func joins(_ next: LayerKind, _ group: [LayerKind], isTraining: Bool) -> Bool {
        switch (group.last!, next) {
        case (.batchNorm, .relu), (.batchNorm, .relu6): true
        case (.convolution, .batchNorm), (.convolution, .relu), (.convolution, .relu6),
            (.add, .relu), (.add, .relu6):
            !isTraining
        default: false
        }
    }
}
