package import Tensors

/// Stochastic gradient descent with momentum and weight decay, PyTorch's rule:
/// `g ← g + decay · w`, `v ← momentum · v + g`, `w ← w − rate · v`.
///
/// The decay applies to everything trained, biases and the factors of batch norm included.
///
/// Source: the reference code of DeepCluster, which uses `torch.optim.SGD` without Nesterov.
public struct SGD: Sendable, Equatable {
    /// The learning rate.
    public var learningRate: Float
    /// The share of the last velocity that is kept; with zero no velocity is stored.
    public var momentum: Float
    /// The weight decay.
    public var weightDecay: Float

    /// An optimizer; the defaults are plain gradient descent.
    public init(learningRate: Float, momentum: Float = 0, weightDecay: Float = 0) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
    }
}

extension FloatNetwork {
    /// Moves every parameter that has a gradient and forgets the gradients.
    ///
    /// - Parameters:
    ///   - optimizer: The rule and its settings.
    ///   - frozen: Tensors that stay as they are.
    public func step(_ optimizer: SGD, freezing frozen: Set<String> = []) {
        for parameter in parameters.values where parameter.isTrained {
            defer { parameter.gradientIsFresh = true }
            guard !parameter.gradientIsFresh, !frozen.contains(parameter.name) else { continue }
            parameter.generation += 1
            if optimizer.momentum != 0 { parameter.velocity.reserve(parameter.count) }
            team.forEachShare(of: parameter.count, unit: 1024) { _, range in
                unsafe optimizer.update(parameter, range)
            }
        }
    }

    /// The optimizer's velocities by tensor name; those never used are absent.
    ///
    /// Setting them needs names and shapes of this network.
    package var velocities: [String: Tensor<Float>] {
        get {
            parameters.filter { $0.value.velocity.capacity > 0 }
                .mapValues { Tensor($0.velocity.elements($0.count), shape: $0.shape) }
        }
        set {
            do throws(FloatNetworkError) {
                try load(velocities: newValue)
            } catch {
                preconditionFailure("\(error)")
            }
        }
    }

    /// Replaces the velocities; those not given become zero.
    ///
    /// - Throws: `FloatNetworkError` for an unknown name or a wrong shape; nothing changes then.
    package func load(velocities: [String: Tensor<Float>]) throws(FloatNetworkError) {
        for (name, velocity) in velocities.sorted(by: { $0.key < $1.key }) {
            guard let parameter = parameters[name], parameter.isTrained else {
                throw .missingTensor(name: name)
            }
            guard velocity.shape == parameter.shape else {
                throw .wrongShape(tensor: name, expected: parameter.shape, found: velocity.shape)
            }
        }
        for (name, parameter) in parameters where parameter.isTrained {
            if let velocity = velocities[name] {
                parameter.velocity.reserve(parameter.count)
                parameter.velocity.copy(from: velocity.elements)
            } else {
                let zeros = [Float](repeating: 0, count: parameter.velocity.capacity)
                parameter.velocity.copy(from: zeros)
            }
        }
    }
}

extension SGD {
    @unsafe fileprivate func update(_ parameter: Parameter, _ range: Range<Int>) {
        let (w, g) = unsafe (parameter.value.base, parameter.gradient.base)
        let (rate, decay, kept) = (learningRate, weightDecay, momentum)
        if kept == 0 {
            for i in range { unsafe w[i] -= rate * (g[i] + decay * w[i]) }
        } else {
            let v = unsafe parameter.velocity.base
            for i in range {
                let velocity = unsafe kept * v[i] + (g[i] + decay * w[i])
                unsafe v[i] = velocity
                unsafe w[i] -= rate * velocity
            }
        }
    }
}
