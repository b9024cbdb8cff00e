import FloatNetworks
import Model
import Tensors

/// Compares gradients with central differences of the loss Σ output · direction.
struct GradientCheck {
    let network: FloatNetwork
    let input: Tensor<Float>
    let direction: Tensor<Float>
    let seed: UInt64
    /// Half the distance of the two points of a difference.
    let step: Float = 4e-3

    /// A network of the given layers with random weights, and a batch of normal numbers or of
    /// the given `values`.
    init(
        _ layers: [Layer], input shape: Shape, pictures: Int = 3, seed: UInt64, threads: Int = 2,
        values: ((inout SeededGenerator, Int) -> [Float])? = nil
    ) throws {
        let graph = Network(layers: layers, feature: layers.last!.name)
        var random = SeededGenerator(seed: seed)
        var tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: shape, using: &random)
        // All weights far from their starting zeros and ones.
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let offset: Float = name.hasSuffix("var") ? 2 : name.hasPrefix("norm") ? 1 : 0
            let noise = random.normals(tensor.count, deviation: 0.3)
            tensors[name] = Tensor(noise.map { $0 + offset }, shape: tensor.shape)
        }
        network = try FloatNetwork(
            network: graph, inputShape: shape, tensors: tensors, threads: threads,
            inputGradient: true)
        let count = pictures * shape.count
        let elements = values?(&random, count) ?? random.normals(count, deviation: 1)
        input = Tensor(elements, shape: Shape([pictures] + shape.extents))
        let outputs = pictures * network.outputShape.count
        direction = Tensor(
            random.normals(outputs, deviation: 1),
            shape: Shape([pictures] + network.outputShape.extents))
        self.seed = seed
    }

    /// The tensors whose gradient differs from the differences by more than `tolerance` of its
    /// largest magnitude, with the place and both numbers.
    func failures(tolerance: Float = 0.01) -> [String] {
        _ = forward(input)
        network.backward(direction)
        var gradients = network.gradients
        gradients["input"] = network.inputGradient(pictures: input.shape[0])
        let start = network.tensors
        var failures: [String] = []
        for (name, gradient) in gradients.sorted(by: { $0.key < $1.key }) {
            let scale = gradient.elements.reduce(Float(1)) { max($0, abs($1)) }
            for index in gradient.elements.indices {
                let difference = Float(
                    (loss(name, index, step, start) - loss(name, index, -step, start))
                        / Double(2 * step))
                let found = gradient.elements[index]
                if !(abs(difference - found) <= tolerance * scale) {
                    failures.append("\(name)[\(index)]: \(found), by differences \(difference)")
                }
            }
        }
        return failures
    }

    private func loss(
        _ name: String, _ index: Int, _ change: Float, _ start: [String: Tensor<Float>]
    ) -> Double {
        var (tensors, batch) = (start, input)
        if name == "input" {
            batch.elements[index] += change
        } else {
            tensors[name]!.elements[index] += change
        }
        network.tensors = tensors
        return zip(forward(batch).elements, direction.elements)
            .reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    private func forward(_ batch: Tensor<Float>) -> Tensor<Float> {
        var random = SeededGenerator(seed: seed)  // the same dropout every time
        return network.forward(batch, using: &random)
    }
}
