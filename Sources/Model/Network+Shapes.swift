public import Tensors

extension Network {
    /// The largest extent a graph may give any dimension, and the largest number of elements
    /// in one activation: far above any network in use, and low enough that no product here
    /// overflows.
    static let largestExtent = 1 << 20
    static let largestActivation = 1 << 32
    /// Some eight times the layers of a ResNet-152.
    static let mostLayers = 4096

    /// The shape of every layer's output for one picture, by layer name, and of the input.
    ///
    /// - Parameter input: `[height, width, channels]`.
    /// - Returns: Shapes without the batch dimension.
    /// - Throws: `NetworkError` where the graph does not fit together.
    public func outputShapes(input: Shape) throws(NetworkError) -> [String: Shape] {
        guard layers.count <= Self.mostLayers else {
            throw .tooManyLayers(found: layers.count, most: Self.mostLayers)
        }
        var shapes = [Network.input: input]
        for layer in layers {
            guard shapes[layer.name] == nil else { throw .duplicateName(layer.name) }
            var inputs: [Shape] = []
            for name in layer.inputs {
                guard let shape = shapes[name] else {
                    throw .unknownInput(layer: layer.name, input: name)
                }
                inputs.append(shape)
            }
            shapes[layer.name] = try layer.outputShape(inputs: inputs)
        }
        guard shapes[feature] != nil else { throw .unknownFeature(feature) }
        return shapes
    }
}

extension Layer {
    /// The shape of the output for inputs of the given shapes, without the batch dimension.
    public func outputShape(inputs: [Shape]) throws(NetworkError) -> Shape {
        let expected = kind == .add ? 2 : 1
        guard inputs.count == expected else {
            throw .wrongInputCount(layer: name, found: inputs.count, expected: expected)
        }
        let shape = try shape(of: inputs)
        guard
            shape.extents.allSatisfy({ (1...Network.largestExtent).contains($0) }),
            shape.extents.reduce(1.0, { $0 * Double($1) }) <= Double(Network.largestActivation)
        else { throw .invalidParameter(layer: name, reason: "its output would be \(shape)") }
        return shape
    }

    private func shape(of inputs: [Shape]) throws(NetworkError) -> Shape {
        let input = inputs[0]
        switch kind {
        case .sobel:
            let map = try map(input)
            guard map.channels == 3 else {
                throw .wrongInputShape(layer: name, found: input.extents, expected: "3 channels")
            }
            return [map.height, map.width, 2]
        case .convolution(let convolution):
            return try shape(of: convolution, on: map(input))
        case .maxPool(let pooling), .averagePool(let pooling):
            return try shape(of: pooling, on: map(input))
        case .globalAveragePool:
            return [try map(input).channels]
        case .linear(let outputs, _):
            return try vector(outputs)
        case .add:
            guard inputs[1] == input else {
                throw .wrongInputShape(
                    layer: name, found: inputs[1].extents, expected: "\(input) like its first")
            }
            return input
        case .centroids(let count):
            guard input.rank == 1 else {
                throw .wrongInputShape(layer: name, found: input.extents, expected: "a vector")
            }
            return try vector(count)
        case .dropout(let probability):
            guard (0..<1).contains(probability) else {
                throw .invalidParameter(layer: name, reason: "dropout probability \(probability)")
            }
            return input
        case .batchNorm(let epsilon):
            guard epsilon > 0, epsilon.isFinite else {
                throw .invalidParameter(layer: name, reason: "epsilon \(epsilon)")
            }
            return input
        case .relu, .relu6, .l2Normalize:
            return input
        }
    }

    private typealias Map = (height: Int, width: Int, channels: Int)

    private func map(_ shape: Shape) throws(NetworkError) -> Map {
        guard shape.rank == 3 else {
            throw .wrongInputShape(
                layer: name, found: shape.extents, expected: "a map [height, width, channels]")
        }
        return (shape[0], shape[1], shape[2])
    }

    private func vector(_ count: Int) throws(NetworkError) -> Shape {
        guard (1...Network.largestExtent).contains(count) else {
            throw .invalidParameter(layer: name, reason: "it would have \(count) outputs")
        }
        return [count]
    }

    private func shape(of convolution: Convolution, on map: Map) throws(NetworkError) -> Shape {
        guard convolution.groups > 0, map.channels % convolution.groups == 0,
            convolution.outputs > 0, convolution.outputs % convolution.groups == 0
        else {
            throw .invalidParameter(
                layer: name,
                reason: "\(convolution.groups) groups do not divide \(map.channels) input and "
                    + "\(convolution.outputs) output channels")
        }
        let size = try windows(
            on: map, height: convolution.kernelHeight, width: convolution.kernelWidth,
            stride: convolution.stride, padding: convolution.padding)
        return [size.height, size.width, convolution.outputs]
    }

    private func shape(of pooling: Pooling, on map: Map) throws(NetworkError) -> Shape {
        // A window must hold at least one position of the map, or its maximum is undefined.
        let widest =
            [
                pooling.padding.top, pooling.padding.left, pooling.padding.bottom,
                pooling.padding.right,
            ].max() ?? 0
        guard widest < pooling.kernel else {
            throw .invalidParameter(
                layer: name, reason: "padding \(widest) reaches over a window of \(pooling.kernel)")
        }
        let size = try windows(
            on: map, height: pooling.kernel, width: pooling.kernel, stride: pooling.stride,
            padding: pooling.padding)
        return [size.height, size.width, map.channels]
    }

    private func windows(
        on map: Map, height: Int, width: Int, stride: Int, padding: Padding
    ) throws(NetworkError) -> (height: Int, width: Int) {
        let edges = [padding.top, padding.left, padding.bottom, padding.right]
        guard [height, width, stride].allSatisfy({ (1...4096).contains($0) }),
            edges.allSatisfy({ (0..<4096).contains($0) })
        else {
            throw .invalidParameter(
                layer: name,
                reason: "window \(height)×\(width), stride \(stride), padding \(edges)")
        }
        let rows = map.height + padding.top + padding.bottom - height
        let columns = map.width + padding.left + padding.right - width
        guard rows >= 0, columns >= 0 else {
            throw .wrongInputShape(
                layer: name, found: [map.height, map.width, map.channels],
                expected: "at least \(height)×\(width) with its padding")
        }
        return (rows / stride + 1, columns / stride + 1)
    }
}
