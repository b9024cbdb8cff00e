package import Model
import Tensors

extension Checkpoint {
    /// The most numbers that a projection may read: with 256 outputs these are a MiB of weights,
    /// which stays in the cache beside the rest.
    private static let mostProjectionInputs = 1 << 12

    /// A float checkpoint that computes the same, but averages the map before its projection in
    /// parts, which the projection sums up.
    ///
    /// The average of a whole map is rounded to 8 bits before the projection blows up the small
    /// differences that whitening is after; the accumulators of a projection that reads the map
    /// itself, or the averages of its parts, round nothing. Parts are as small as
    /// `mostProjectionInputs` allows, whatever the projection, which may be fitted later.
    package func poolingInParts() throws(QuantizationError) -> Checkpoint {
        guard let projection = network.layers.last(where: { network.isProjection($0) }),
            let pool = network.layer(projection.inputs[0]), case .globalAveragePool = pool.kind,
            network.layers.count(where: { $0.inputs.contains(pool.name) }) == 1
        else { return self }
        let (map, weight): (Shape?, Tensor<Float>)
        do {
            map = try network.outputShapes(input: inputShape)[pool.inputs[0]]
            weight = try float("\(projection.name).weight")
        } catch let error as NetworkError {
            throw .network(error)
        } catch let error as CheckpointError {
            throw .checkpoint(error)
        } catch { preconditionFailure("unexpected \(error)") }
        guard let map, let side = Self.side(of: map) else { return self }

        var result = self
        let parts = map[0] / side * (map[1] / side)
        result.tensors["\(projection.name).weight"] = .float32(weight.repeated(parts))
        if side > 1 {
            let kind = LayerKind.averagePool(Pooling(kernel: side, stride: side))
            result.network.replace(pool.name, by: [Layer(pool.name, kind, inputs: pool.inputs)])
        } else {
            result.network.replace(pool.name, by: [])
            result.network.redirect(pool.name, to: pool.inputs[0])
        }
        return result
    }

    /// The side of the smallest square parts that are allowed, or `nil` where that is the map.
    private static func side(of map: Shape) -> Int? {
        (1..<max(map[0], map[1])).first { side in
            map[0] % side == 0 && map[1] % side == 0
                && map.count / (side * side) <= mostProjectionInputs
        }
    }
}

extension Network {
    fileprivate mutating func replace(_ name: String, by new: [Layer]) {
        guard let index = layers.firstIndex(where: { $0.name == name }) else { return }
        layers.replaceSubrange(index...index, with: new)
    }

    /// Lets all that reads one layer read another.
    fileprivate mutating func redirect(_ name: String, to other: String) {
        for index in layers.indices {
            layers[index].inputs = layers[index].inputs.map { $0 == name ? other : $0 }
        }
        if feature == name { feature = other }
    }
}

extension Tensor<Float> {
    /// Each row `count` times in a row, divided by `count`.
    fileprivate func repeated(_ count: Int) -> Tensor<Float> {
        let rows = (0..<shape[0]).flatMap { row in
            let part = self[row: row].map { $0 / Float(count) }
            return (0..<count).flatMap { _ in part }
        }
        return Tensor(rows, shape: [shape[0], rowSize * count])
    }
}
