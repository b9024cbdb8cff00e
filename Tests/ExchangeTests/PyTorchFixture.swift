import Foundation
import Model
import Tensors
import Testing

/// A file that `tools/golden/exchange.py` had PyTorch write, and what it should become.
struct PyTorchFixture: Decodable, CustomTestStringConvertible {
    let file: String
    let layout: String
    let license: String
    let mean: [Float]
    let deviation: [Float]
    let epochs: Int
    private let feature: String
    private let head: String
    /// The folder that it lies in.
    private(set) var folder = ""

    private enum CodingKeys: String, CodingKey {
        case file, layout, license, mean, deviation, epochs, feature, head
    }

    var testDescription: String { file }
    var path: String { "\(folder)/\(file)" }
    /// The feature that PyTorch finds in `picture()`, in double precision.
    var expectedFeature: [Float] { Self.floats(feature) }
    /// The output of the head.
    var expectedHead: [Float] { Self.floats(head) }

    /// The fixtures of the repository, and those of the folder that `DC_EXCHANGE_FIXTURES` names.
    static let all: [PyTorchFixture] = {
        let named = ProcessInfo.processInfo.environment["DC_EXCHANGE_FIXTURES"]
        return [Bundle.module.bundleURL.path + "/Fixtures", named].compactMap(\.self).flatMap(read)
    }()

    private static func read(_ folder: String) -> [PyTorchFixture] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().compactMap { name in
            guard let text = FileManager.default.contents(atPath: "\(folder)/\(name)"),
                var fixture = try? JSONDecoder().decode(PyTorchFixture.self, from: text)
            else { return nil }
            fixture.folder = folder
            return fixture
        }
    }

    /// The bytes of a small file of one tensor.
    static func tiny(_ name: String) throws -> [UInt8] {
        let path = Bundle.module.bundleURL.path + "/Fixtures/\(name)"
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private static func floats(_ text: String) -> [Float] {
        let bytes = [UInt8](Data(base64Encoded: text) ?? Data())
        return stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(
                bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
    }

    /// The script's picture as the network sees it, `[1, 224, 224, 3]`.
    static func picture(for input: InputSpecification) -> Tensor<Float> {
        let table = input.normalizationTable()
        var elements: [Float] = []
        elements.reserveCapacity(224 * 224 * 3)
        for y in 0..<224 {
            for x in 0..<224 {
                for c in 0..<3 {
                    let pixel = ((y * 7 + x * 13 + c * 50) ^ ((x * y) >> 3)) & 255
                    elements.append(table[256 * c + pixel])
                }
            }
        }
        return Tensor(elements, shape: [1, 224, 224, 3])
    }
}
