import Foundation
import Model
import Tensors

/// A tensor as `tools/golden/layers.py` writes it: base64 of little-endian Float32.
struct FixtureTensor: Decodable {
    let tensor: Tensor<Float>

    private enum CodingKeys: String, CodingKey { case shape, values }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let bytes = [UInt8](try container.decode(Data.self, forKey: .values))
        let elements = stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(
                bitPattern: bytes[start..<start + 4].reversed()
                    .reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        }
        tensor = Tensor(elements, shape: Shape(try container.decode([Int].self, forKey: .shape)))
    }
}

/// One pass forward and backward.
struct PassFixture: Decodable {
    let network: Network
    let tensors: [String: FixtureTensor]
    let input, evaluation, output, outputGradient, inputGradient: FixtureTensor
    let gradients: [String: FixtureTensor]
    let statistics: [String: FixtureTensor]
}

/// Some steps of SGD.
struct StepsFixture: Decodable {
    struct Step: Decodable {
        let input: FixtureTensor
        let labels: [Int32]
        let loss: Float
    }
    let network: Network
    let tensors: [String: FixtureTensor]
    let learningRate, momentum, weightDecay: Float
    let steps: [Step]
    let final: [String: FixtureTensor]
    let velocities: [String: FixtureTensor]
}

/// The golden file of the given name.
func layersFixture<Content: Decodable>(_ name: String, as type: Content.Type) throws -> Content {
    let url = Bundle.module.resourceURL!.appending(path: "Fixtures/layers/\(name).json")
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}

/// The largest difference, divided by the largest magnitude expected.
func relativeDifference(_ found: Tensor<Float>, _ expected: Tensor<Float>) -> Float {
    guard found.shape == expected.shape else { return .infinity }
    let scale = expected.elements.reduce(Float(1e-6)) { max($0, abs($1)) }
    return zip(found.elements, expected.elements).reduce(Float(0)) {
        // A difference that is no number must not pass as the smaller one.
        let difference = abs($1.0 - $1.1)
        return difference.isFinite ? max($0, difference / scale) : .infinity
    }
}

/// The shape of one picture of a batch.
func pictureShape(_ batch: Tensor<Float>) -> Shape { Shape(Array(batch.shape.extents.dropFirst())) }
