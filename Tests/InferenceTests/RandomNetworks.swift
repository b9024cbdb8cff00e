import Model
import Tensors

/// Small random graphs of every kind of layer that int8 networks have.
struct RandomNetworks {
    var random: SeededGenerator
    var network = Network(layers: [], feature: "")
    var shape: Shape

    static func network(width: Int, height: Int, seed: UInt64) -> Network {
        var builder = RandomNetworks(
            random: SeededGenerator(seed: seed), shape: [height, width, 3])
        if builder.random.index(below: 3) == 0 { builder.append(.sobel) }
        for _ in 0..<2 + builder.random.index(below: 5) { builder.appendOne() }
        switch builder.random.index(below: 3) {
        case 0: builder.append(.globalAveragePool)
        case 1: builder.append(.linear(outputs: 1 + builder.random.index(below: 40), hasBias: true))
        default: break
        }
        builder.network.feature = builder.network.output
        return Int8Checkpoints.ending(
            builder.network, dimension: 1 + builder.random.index(below: 30),
            clusters: 1 + builder.random.index(below: 40))
    }

    private mutating func append(_ kind: LayerKind, and second: String? = nil) {
        let name = "layer\(network.layers.count)"
        let inputs = [network.output] + (second.map { [$0] } ?? [])
        let layer = Layer(name, kind, inputs: inputs)
        let shapes = inputs.map { _ in shape }
        guard let shape = try? layer.outputShape(inputs: shapes) else { return }
        network.layers.append(layer)
        self.shape = shape
    }

    private mutating func appendOne() {
        let channels = shape[2]
        let kernel = [1, 2, 3, 3, 5][random.index(below: 5)]
        let padding = Padding(
            top: random.index(below: kernel), left: random.index(below: kernel),
            bottom: random.index(below: kernel), right: random.index(below: kernel))
        let stride = 1 + random.index(below: 2)
        let pooling = Pooling(
            kernel: kernel, stride: stride, padding: padding,
            countsPadding: random.index(below: 2) == 0)
        func convolution(_ outputs: Int, groups: Int) -> LayerKind {
            .convolution(
                Convolution(
                    outputs: outputs, kernel: kernel, stride: stride, padding: padding,
                    groups: groups))
        }
        switch random.index(below: 7) {
        case 0: append(.maxPool(pooling))
        case 1: append(.averagePool(pooling))
        case 2: append(convolution(channels, groups: channels))
        case 3: append(convolution(channels * 2, groups: channels))
        case 4:
            // A residual block: the block's input outlives the layers inside.
            let before = network.output
            let same = Padding(top: 1, left: 1, bottom: 1, right: 1)
            for _ in 0..<2 {
                append(.convolution(Convolution(outputs: channels, kernel: 3, padding: same)))
            }
            append(.add, and: before)
        default: append(convolution(1 + random.index(below: 40), groups: 1))
        }
    }
}
