import Foundation
import Model
import Tensors
import TestSupport
import Testing

/// Tensors whose place, type, shape or numbers are wrong.
struct MalformedTensorTests {
    typealias Reason = CheckpointError.Reason

    /// A change to a file, and the reason it is refused for.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let reason: Reason
        let apply: @Sendable (inout CheckpointFile) -> Void

        init(
            _ description: String, _ reason: Reason,
            apply: @escaping @Sendable (inout CheckpointFile) -> Void
        ) {
            (testDescription, self.reason, self.apply) = (description, reason, apply)
        }
    }

    // In the float file, by size and then by name: centroids.weight at 0 to 24, conv1.weight at
    // 24 to 456, norm1.bias at 456 to 472 and so on.
    @Test(arguments: [
        Damage("a tensor on top of another", .wrongOffsets(tensor: "conv1.weight")) {
            $0.header["conv1.weight", "data_offsets"] = .scalar("[0,432]")
        },
        Damage("a tensor that overlaps the end of another", .wrongOffsets(tensor: "conv1.weight")) {
            $0.header["conv1.weight", "data_offsets"] = .scalar("[20,452]")
        },
        Damage("a gap", .wrongOffsets(tensor: "conv1.weight")) {
            $0.header["conv1.weight", "data_offsets"] = .scalar("[28,460]")
        },
        Damage("a gap before the first", .wrongOffsets(tensor: "centroids.weight")) {
            $0.header["centroids.weight", "data_offsets"] = .scalar("[4,28]")
        },
        Damage("beyond the end", .wrongOffsets(tensor: "norm1.bias")) {
            $0.header["conv1.weight", "data_offsets"] = .scalar("[100000,100432]")
        },
        Damage("before the start", .wrongOffsets(tensor: "conv1.weight")) {
            $0.header["conv1.weight", "data_offsets"] = .scalar("[-408,24]")
        },
        Damage("from the end to the start", .wrongOffsets(tensor: "conv1.weight")) {
            $0.header["conv1.weight", "data_offsets"] = .scalar("[456,24]")
        },
        Damage("one offset", .wrongOffsets(tensor: "conv1.weight")) {
            $0.header["conv1.weight", "data_offsets"] = .scalar("[24]")
        },
        Damage("three offsets", .wrongOffsets(tensor: "conv1.weight")) {
            $0.header["conv1.weight", "data_offsets"] = .scalar("[24,456,456]")
        },
        Damage("the largest offsets", .wrongOffsets(tensor: "norm1.bias")) {
            $0.header["conv1.weight", "data_offsets"] = .scalar("[\(Int.max - 432),\(Int.max)]")
        },
        Damage(
            "longer than its shape",
            .invalidTensor(
                tensor: "conv1.weight", reason: "has \(Int.max - 24) bytes, its shape needs 432")
        ) { $0.header["conv1.weight", "data_offsets"] = .scalar("[24,\(Int.max)]") },
        Damage(
            "a type of another size",
            .invalidTensor(tensor: "norm1.bias", reason: "has 16 bytes, its shape needs 4")
        ) { $0.header["norm1.bias", "dtype"] = "I8" },
        Damage(
            "a type of the same size",
            .wrongType(tensor: "norm1.bias", expected: "F32", found: "I32")
        ) { $0.header["norm1.bias", "dtype"] = "I32" },
        Damage(
            "an unknown type",
            .invalidTensor(tensor: "norm1.bias", reason: "is of the unknown type 'F99'")
        ) { $0.header["norm1.bias", "dtype"] = "F99" },
        Damage(
            "a shape whose bytes overflow",
            .invalidTensor(
                tensor: "norm1.bias", reason: "has the impossible shape [4611686018427387904]")
        ) { $0.header["norm1.bias", "shape"] = .scalar("[4611686018427387904]") },
        Damage(
            "a shape whose product overflows to the right one",
            .invalidTensor(
                tensor: "norm1.bias",
                reason: "has the impossible shape [4294967296, 4294967296, 4]")
        ) { $0.header["norm1.bias", "shape"] = .scalar("[4294967296,4294967296,4]") },
        Damage(
            "an overflow that a zero hides",
            .invalidTensor(
                tensor: "norm1.bias",
                reason: "has the impossible shape [0, 4294967296, 4294967296]")
        ) { $0.header["norm1.bias", "shape"] = .scalar("[0,4294967296,4294967296]") },
        Damage(
            "two negative extents",
            .invalidTensor(tensor: "norm1.bias", reason: "has the impossible shape [-2, -2]")
        ) { $0.header["norm1.bias", "shape"] = .scalar("[-2,-2]") },
        Damage(
            "an empty shape",
            .invalidTensor(tensor: "norm1.bias", reason: "has 16 bytes, its shape needs 4")
        ) { $0.header["norm1.bias", "shape"] = .scalar("[]") },
        Damage(
            "a thousand dimensions",
            .invalidTensor(tensor: "norm1.bias", reason: "has 1000 dimensions")
        ) {
            let ones = [String](repeating: "1", count: 1000).joined(separator: ",")
            $0.header["norm1.bias", "shape"] = .scalar("[\(ones)]")
        },
        Damage(
            "the same elements in another shape",
            .wrongShape(
                tensor: "conv1.weight", expected: [4, 3, 3, 3], found: [3, 3, 3, 4])
        ) { $0.header["conv1.weight", "shape"] = .scalar("[3,3,3,4]") },
        Damage("an unknown tensor of no bytes", .unexpectedTensor("conv1.extra")) {
            $0.header["conv1.extra"] = .object([
                ("dtype", "F32"), ("shape", .scalar("[0]")), ("data_offsets", .scalar("[0,0]")),
            ])
        },
        Damage("another name", .missingTensor("norm1.bias")) {
            $0.header["norm1.shift"] = $0.header["norm1.bias"]
            $0.header["norm1.bias"] = nil
        },
        Damage(
            "twice the same name",
            .invalidMetadata(field: "norm1.bias", reason: "it is there twice")
        ) { $0.header.repeat(["norm1.bias"]) },
    ])
    func misplacedTensors(damage: Damage) throws {
        var file = try CheckpointFile(smallCheckpoint())
        damage.apply(&file)
        #expect(try CheckpointReading().refusal(file.bytes) == damage.reason)
    }

    // The order of the data is the writer's choice; the header's is nobody's.
    @Test func tensorsInAnotherOrderAreRead() throws {
        var file = try CheckpointFile(smallCheckpoint())
        file.header["centroids.weight", "data_offsets"] = .scalar("[432,456]")
        file.header["conv1.weight", "data_offsets"] = .scalar("[0,432]")
        file.data = Array(file.data[24..<456] + file.data[..<24] + file.data[456...])
        #expect(try CheckpointReading().read(file.bytes) == smallCheckpoint())
    }

    /// A change to a checkpoint's numbers, and what is said of which tensor.
    struct Numbers: Sendable, CustomTestStringConvertible {
        let tensor: String
        let values: WeightTensor
        let sentence: String
        var testDescription: String { "\(tensor): \(sentence)" }

        static func floats(_ tensor: String, _ values: [Float], _ sentence: String) -> Numbers {
            Numbers(
                tensor: tensor, values: .float32(Tensor(values, shape: [values.count])),
                sentence: sentence)
        }

        static func range(_ tensor: String, _ values: [Int32], _ sentence: String) -> Numbers {
            Numbers(
                tensor: tensor, values: .int32(Tensor(values, shape: [3])), sentence: sentence)
        }
    }

    static let notFinite = "holds a value that is not finite"
    static let notPositive = "holds a scale that is not positive"

    @Test(
        arguments: [
            .floats("conv1.output_scale", [.nan], notFinite),
            .floats("conv1.output_scale", [.infinity], notFinite),
            .floats("conv1.output_scale", [-.infinity], notFinite),
            .floats("conv1.output_scale", [.signalingNaN], notFinite),
            .floats("conv1.output_scale", [0], notPositive),
            .floats("conv1.output_scale", [-0.0], notPositive),
            .floats("conv1.output_scale", [-1], notPositive),
            .floats("input.output_scale", [-Float.leastNonzeroMagnitude], notPositive),
            .floats("conv1.weight_scale", [1, 1, .nan, 1], notFinite),
            .floats("conv1.weight_scale", [1, 1, 1, 0], notPositive),
            .floats("projection.weight_scale", [1, -1], notPositive),
            .floats(
                "conv1.weight_scale", [1, 1, 1, 1e38],
                "is too large beside the scales of what the layer reads and writes"),
            .floats(
                "projection.weight_scale", [1e38, 1],
                "is too large beside the scales of what the layer reads and writes"),
            .floats(
                "pool.output_scale", [.leastNonzeroMagnitude],
                "is too small beside the scale of what the layer reads"),
            .range("pool.output_range", [256, 0, 255], "has zero point 256 and bounds 0 to 255"),
            .range("pool.output_range", [-1, 0, 255], "has zero point -1 and bounds 0 to 255"),
            .range("pool.output_range", [0, 9, 8], "has zero point 0 and bounds 9 to 8"),
            .range("pool.output_range", [0, 0, 256], "has zero point 0 and bounds 0 to 256"),
            .range(
                "input.output_range", [0, .min, .max],
                "has zero point 0 and bounds -2147483648 to 2147483647"),
        ] as [Numbers])
    func numbersThatCannotBeUsed(numbers: Numbers) throws {
        var checkpoint = smallInt8Checkpoint()
        checkpoint.tensors[numbers.tensor] = numbers.values
        try expectRefusal(
            of: checkpoint,
            .invalidTensor(tensor: numbers.tensor, reason: numbers.sentence))
    }

    @Test(arguments: [
        (8, -128, "holds -128, beyond ±127 of its weight bits"),
        (7, 64, "holds 64, beyond ±63 of its weight bits"),
        (7, -64, "holds -64, beyond ±63 of its weight bits"),
    ])
    func weightsBeyondTheirBits(bits: Int, weight: Int8, sentence: String) throws {
        var checkpoint = smallInt8Checkpoint()
        checkpoint.weightBits = bits
        checkpoint.tensors["projection.weight"] = .int8(Tensor(repeating: 1, shape: [2, 4]))
        checkpoint.tensors["conv1.weight"] = .int8(
            Tensor([Int8](repeating: 1, count: 107) + [weight], shape: [4, 3, 3, 3]))
        try expectRefusal(
            of: checkpoint, .invalidTensor(tensor: "conv1.weight", reason: sentence))
    }

    // 255 · 27 · 100 + |bias| may be 2³¹ − 1 and no more.
    @Test(arguments: [1, -1] as [Int32])
    func accumulatorsThatCouldOverflow(sign: Int32) throws {
        var checkpoint = smallInt8Checkpoint()
        let most = Int32.max - 255 * 27 * 100
        checkpoint.tensors["conv1.bias"] = .int32(Tensor([0, 0, 0, sign * most], shape: [4]))
        try checkpoint.validate()
        checkpoint.tensors["conv1.bias"] = .int32(
            Tensor([0, 0, 0, sign * (most + 1)], shape: [4]))
        let reason = "could overflow the accumulator of channel 3"
        try expectRefusal(of: checkpoint, .invalidTensor(tensor: "conv1.weight", reason: reason))
        checkpoint.tensors["conv1.bias"] = .int32(Tensor([0, 0, 0, .min], shape: [4]))
        try expectRefusal(of: checkpoint, .invalidTensor(tensor: "conv1.weight", reason: reason))
    }

    @Test func floatsThatCannotBeUsed() throws {
        for (tensor, value, sentence) in [
            ("conv1.weight", Float.nan, Self.notFinite),
            ("projection.bias", -.infinity, Self.notFinite),
            ("norm1.running_var", -1, "holds a negative variance"),
            ("centroids.weight", 1e16, "holds a coordinate beyond ±1e+15"),
        ] {
            var checkpoint = smallCheckpoint()
            guard case .float32(var values) = checkpoint.tensors[tensor] else { continue }
            values.elements[1] = value
            checkpoint.tensors[tensor] = .float32(values)
            try expectRefusal(of: checkpoint, .invalidTensor(tensor: tensor, reason: sentence))
        }
    }

    /// A writer refuses it, and so does the reader of a file that another writer wrote.
    private func expectRefusal(
        of checkpoint: Checkpoint, _ reason: Reason,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(throws: reason, sourceLocation: location) { try checkpoint.validate() }
        let folder = try TemporaryFolder()
        let path = folder.path("model.safetensors")
        #expect(throws: CheckpointError(path, reason), sourceLocation: location) {
            try checkpoint.write(to: path)
        }
        #expect(!FileManager.default.fileExists(atPath: path), sourceLocation: location)
        try SafetensorsFile(metadata: checkpoint.metadata, tensors: checkpoint.tensors)
            .write(to: path)
        #expect(throws: CheckpointError(path, reason), sourceLocation: location) {
            try Checkpoint(contentsOf: path)
        }
    }
}
