import Tensors

/// One named tensor of a network, with its gradient and momentum once training needs them.
final class Parameter {
    let name: String
    let shape: Shape
    /// Whether the optimizer changes it; running statistics are kept but not trained.
    let isTrained: Bool
    let value: Buffer<Float>
    /// Counts the changes of `value`, for those who keep what they made of it.
    var generation = 0
    /// The sum of the gradients since the last step, empty until the first backward pass.
    let gradient = Buffer<Float>()
    /// The optimizer's velocity, empty until the first step with momentum.
    let velocity = Buffer<Float>()
    /// Whether `gradient` holds nothing yet, so that the next one is stored, not added.
    var gradientIsFresh = true

    var count: Int { shape.count }

    init(_ name: String, _ shape: Shape, isTrained: Bool = true) {
        self.name = name
        self.shape = shape
        self.isTrained = isTrained
        value = Buffer(count: shape.count)
    }

    /// Adds the sum of `parts`, in their order, to the gradient.
    ///
    /// - Parameters:
    ///   - parts: One buffer for each share of the work.
    ///   - offset: Where this parameter's part begins in each buffer.
    ///   - team: Shares the sum.
    func addGradient(parts: [Buffer<Float>], offset: Int = 0, team: ThreadTeam) {
        gradient.reserve(count)
        let start = gradientIsFresh ? 0 : -1
        gradientIsFresh = false
        team.forEachShare(of: count, unit: 1024) { _, range in
            let sum = unsafe gradient.base
            for (index, part) in parts.enumerated() {
                let addend = unsafe part.base + offset
                if index == start {
                    for i in range { unsafe sum[i] = addend[i] }
                } else {
                    for i in range { unsafe sum[i] += addend[i] }
                }
            }
        }
    }

    /// Adds a gradient that was summed in Double.
    func addGradient(_ sums: (Int) -> Double) {
        gradient.reserve(count)
        let sum = unsafe gradient.base
        for i in 0..<count {
            unsafe sum[i] = (gradientIsFresh ? 0 : sum[i]) + Float(sums(i))
        }
        gradientIsFresh = false
    }
}
