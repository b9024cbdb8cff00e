import Inference
import Model
import Tensors

/// The arithmetic contract, written a second time: straight lines, one number at a time, with
/// nothing of the engine in it.
struct Interpreter {
    let checkpoint: Checkpoint
    let shapes: [String: Shape]

    init(_ checkpoint: Checkpoint) throws {
        self.checkpoint = checkpoint
        shapes = try checkpoint.network.outputShapes(input: checkpoint.inputShape)
    }

    /// Every layer's u8 output for one picture, and its embedding.
    func run(_ pixels: [UInt8]) throws -> (outputs: [String: [UInt8]], embedding: Embedding) {
        let table = checkpoint.input.normalizationTable()
        let format = checkpoint.format(Network.input)
        var values = [
            Network.input: pixels.enumerated().map { i, pixel in
                format.byte(table[i % 3 * 256 + Int(pixel)] / format.scale)
            }
        ]
        var vector: [Float] = []
        var result = Embedding(vector: [], cluster: 0, distance: 0, second: 0, margin: 0)
        for layer in checkpoint.network.layers {
            let input = values[layer.inputs[0], default: []]
            switch layer.kind {
            case .linear where checkpoint.network.isProjection(layer):
                vector = try projected(layer, input)
            case .l2Normalize: vector = normalized(vector)
            case .centroids: result = try nearest(layer, vector)
            case .add:
                values[layer.name] = sum(layer, input, values[layer.inputs[1], default: []])
            default: values[layer.name] = try output(layer, input)
            }
        }
        return (values, result)
    }

    private func output(_ layer: Layer, _ input: [UInt8]) throws -> [UInt8] {
        switch layer.kind {
        case .sobel:
            // Grey value times three, then the gradients.
            let right = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
            let down = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
            let third = Double(Float(1) / 3)
            return windows(layer, kernel: (3, 3), stride: 1, padding: Padding(1)) { window in
                [right, down].map { filter in
                    var acc = 0
                    for (y, x, position) in window {
                        for c in 0..<3 { acc += filter[y][x] * x0(input[position * 3 + c], layer) }
                    }
                    return (acc, third)
                }
            }
        case .convolution(let convolution):
            return try convolved(layer, convolution, input)
        case .linear:
            let scales = try checkpoint.float("\(layer.name).weight_scale").elements
            return try accumulators(layer, input).enumerated().map { i, acc in
                requantized(layer, acc, Double(scales[i]))
            }
        case .maxPool(let pooling):
            let channels = shapes[layer.name, default: []][2]
            return pooled(layer, pooling) { window, c in
                window.map { input[$0 * channels + c] }.max() ?? 0
            }
        case .averagePool(let pooling):
            let channels = shapes[layer.name, default: []][2]
            return pooled(layer, pooling) { window, c in
                let n = pooling.countsPadding ? pooling.kernel * pooling.kernel : window.count
                return average(layer, window.map { x0(input[$0 * channels + c], layer) }, n)
            }
        case .globalAveragePool:
            let channels = shapes[layer.name, default: []][0]
            return (0..<channels).map { c in
                let column = stride(from: c, to: input.count, by: channels).map {
                    x0(input[$0], layer)
                }
                return average(layer, column, column.count)
            }
        default: preconditionFailure("no \(layer.kind) in int8 networks")
        }
    }

    /// An activation of the layer's first input, its zero point taken away.
    private func x0(_ byte: UInt8, _ layer: Layer) -> Int {
        Int(byte) - checkpoint.format(layer.inputs[0]).zeroPoint
    }

    private func requantized(_ layer: Layer, _ acc: Int, _ weightScale: Double) -> UInt8 {
        let (before, after) = (
            checkpoint.format(layer.inputs[0]), checkpoint.format(layer.name)
        )
        let m = Float(Double(before.scale) * weightScale / Double(after.scale))
        return after.byte(Float(acc) * m)
    }

    private func average(_ layer: Layer, _ values: [Int], _ n: Int) -> UInt8 {
        let (before, after) = (
            checkpoint.format(layer.inputs[0]), checkpoint.format(layer.name)
        )
        let m = Float(Double(before.scale) / (Double(n) * Double(after.scale)))
        return after.byte(Float(values.reduce(0, +)) * m)
    }

    private func sum(_ layer: Layer, _ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
        let after = checkpoint.format(layer.name)
        let a = checkpoint.format(layer.inputs[0])
        let b = checkpoint.format(layer.inputs[1])
        return zip(first, second).map { x, y in
            let left = Float(Int(x) - a.zeroPoint) * Float(Double(a.scale) / Double(after.scale))
            let right = Float(Int(y) - b.zeroPoint) * Float(Double(b.scale) / Double(after.scale))
            return after.byte(left + right)
        }
    }

    /// Slides a window over the layer's input and requantizes what `body` makes of each.
    private func windows(
        _ layer: Layer, kernel: (Int, Int), stride: Int, padding: Padding,
        _ body: ([(y: Int, x: Int, position: Int)]) -> [(acc: Int, weightScale: Double)]
    ) -> [UInt8] {
        let (input, output) = (
            shapes[layer.inputs[0], default: []], shapes[layer.name, default: []]
        )
        var result: [UInt8] = []
        for oy in 0..<output[0] {
            for ox in 0..<output[1] {
                var window: [(y: Int, x: Int, position: Int)] = []
                for y in 0..<kernel.0 {
                    for x in 0..<kernel.1 {
                        let (iy, ix) = (
                            oy * stride + y - padding.top, ox * stride + x - padding.left
                        )
                        if (0..<input[0]).contains(iy), (0..<input[1]).contains(ix) {
                            window.append((y, x, iy * input[1] + ix))
                        }
                    }
                }
                result += body(window).map { requantized(layer, $0.acc, $0.weightScale) }
            }
        }
        return result
    }

    private func convolved(
        _ layer: Layer, _ convolution: Convolution, _ input: [UInt8]
    ) throws -> [UInt8] {
        let weight = try checkpoint.int8("\(layer.name).weight")
        let bias = try checkpoint.int32("\(layer.name).bias").elements
        let scales = try checkpoint.float("\(layer.name).weight_scale").elements
        let channels = shapes[layer.inputs[0], default: []][2]
        let (inner, outer) = (weight.shape[3], convolution.outputs / convolution.groups)
        let kernel = (convolution.kernelHeight, convolution.kernelWidth)
        return windows(
            layer, kernel: kernel, stride: convolution.stride, padding: convolution.padding
        ) { window in
            (0..<convolution.outputs).map { o in
                var acc = Int(bias[o])
                for (y, x, position) in window {
                    for c in 0..<inner {
                        let w = weight.elements[((o * kernel.0 + y) * kernel.1 + x) * inner + c]
                        acc +=
                            x0(input[position * channels + o / outer * inner + c], layer) * Int(w)
                    }
                }
                return (acc, Double(scales[o]))
            }
        }
    }

    private func pooled(
        _ layer: Layer, _ pooling: Pooling, _ body: ([Int], Int) -> UInt8
    ) -> [UInt8] {
        let (input, output) = (
            shapes[layer.inputs[0], default: []], shapes[layer.name, default: []]
        )
        var result: [UInt8] = []
        for oy in 0..<output[0] {
            for ox in 0..<output[1] {
                let (top, left) = (
                    oy * pooling.stride - pooling.padding.top,
                    ox * pooling.stride - pooling.padding.left
                )
                let window = (0..<pooling.kernel * pooling.kernel).compactMap { i -> Int? in
                    let (y, x) = (top + i / pooling.kernel, left + i % pooling.kernel)
                    let isInside = (0..<input[0]).contains(y) && (0..<input[1]).contains(x)
                    return isInside ? y * input[1] + x : nil
                }
                result += (0..<output[2]).map { body(window, $0) }
            }
        }
        return result
    }

    private func accumulators(_ layer: Layer, _ input: [UInt8]) throws -> [Int] {
        let weight = try checkpoint.int8("\(layer.name).weight").elements
        let bias = try checkpoint.int32("\(layer.name).bias").elements
        return bias.enumerated().map { o, bias in
            input.indices.reduce(Int(bias)) {
                $0 + x0(input[$1], layer) * Int(weight[o * input.count + $1])
            }
        }
    }

    private func projected(_ layer: Layer, _ input: [UInt8]) throws -> [Float] {
        let scales = try checkpoint.float("\(layer.name).weight_scale").elements
        let sx = Double(checkpoint.format(layer.inputs[0]).scale)
        return try accumulators(layer, input).enumerated().map { i, acc in
            Float(acc) * Float(sx * Double(scales[i]))
        }
    }

    private func normalized(_ vector: [Float]) -> [Float] {
        let norm = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return norm == 0 ? vector : vector.map { Float(Double($0) / norm) }
    }

    private func nearest(_ layer: Layer, _ vector: [Float]) throws -> Embedding {
        let centroids = try checkpoint.float("\(layer.name).weight")
        let distances = (0..<centroids.shape[0]).map { k in
            zip(vector, centroids[row: k]).reduce(Float(0)) {
                $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
            }
        }
        // A stable sort keeps the lower id first.
        let order = distances.indices.sorted {
            (distances[$0], $0) < (distances[$1], $1)
        }
        let (first, second) = (order[0], order.count > 1 ? order[1] : order[0])
        let (d, d2) = (distances[first].squareRoot(), distances[second].squareRoot())
        return Embedding(
            vector: vector, cluster: first, distance: d, second: second,
            margin: d2 > 0 ? 1 - d / d2 : 0)
    }
}

extension Format {
    /// The end of every operation.
    func byte(_ t: Float) -> UInt8 {
        let bounded = min(max(t, Float(low - zeroPoint)), Float(high - zeroPoint))
        return UInt8(zeroPoint + Int(bounded.rounded(.toNearestOrEven)))
    }
}
