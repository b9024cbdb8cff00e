import Foundation
import Testing

/// What scikit-learn and scipy say (`tools/golden/evaluation.py`).
struct Golden: Decodable {
    /// How well a labeling agrees with another.
    struct Agreement: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let clusters: [Int32]
        let labels: [Int]
        let nmi, ami, ari, purity, accuracy: Double

        var testDescription: String { name }
    }

    /// A ranking and its average precision.
    struct Ranking: Decodable, Sendable {
        let right: [Bool]
        let precision: Double
    }

    let agreement: [Agreement]
    let rankings: [Ranking]

    static let values: Golden = {
        let url = Bundle.module.url(forResource: "Fixtures/evaluation", withExtension: "json")
        guard let url, let bytes = try? Data(contentsOf: url),
            let values = try? JSONDecoder().decode(Golden.self, from: bytes)
        else { fatalError("Fixtures/evaluation.json is missing or damaged") }
        return values
    }()
}
