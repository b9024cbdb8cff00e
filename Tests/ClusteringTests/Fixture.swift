import Clustering
import Foundation
import Tensors

/// A JSON file written by `tools/golden/clustering.py`.
func fixture<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    let url = Bundle.module.bundleURL.appending(path: "Fixtures/\(name).json")
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}

/// The points that the script makes: around `groups` centres, repeated after `distinct` rows.
func points(_ n: Int, _ d: Int, groups: Int, distinct: Int, seed: UInt32) -> Tensor<Float> {
    var random = FaissGenerator(seed: seed)
    let centres = (0..<groups * d).map { _ in 3 * random.uniform() }
    let rows = (0..<distinct * d).map { index in
        random.uniform() + centres[index / d % groups * d + index % d]
    }
    return Tensor(rows, shape: [distinct, d]).rows(at: (0..<n).map { $0 % distinct })
}
