import Files
import Foundation
import Model
import Tensors
import TestSupport
import Testing

/// A small shipped float model: two convolutions, a projection and three clusters.
func smallCheckpoint() -> Checkpoint {
    var network = Network(layers: [], feature: "pool")
    network.append("conv1", .convolution(Convolution(outputs: 4, kernel: 3, hasBias: false)))
    network.append("norm1", .batchNorm(epsilon: 1e-5))
    network.append("relu1", .relu)
    network.append("pool", .globalAveragePool)
    network.append("projection", .linear(outputs: 2, hasBias: true))
    network.append("normalize", .l2Normalize)
    network.append("centroids", .centroids(count: 3))
    var random = SeededGenerator(seed: 7)
    func tensor(_ shape: Shape) -> WeightTensor {
        .float32(Tensor(random.normals(shape.count, deviation: 1), shape: shape))
    }
    return Checkpoint(
        network: network, input: .square(8), precision: .float32,
        clustering: ClusteringDescription(clusters: 3, dimension: 2, whiteningExponent: 0),
        provenance: Provenance(
            recipe: "test", seed: 7, epochs: 1, pictures: 2, picturesDigest: "00"),
        license: "CC0-1.0",
        tensors: [
            "conv1.weight": tensor([4, 3, 3, 3]), "norm1.weight": tensor([4]),
            "norm1.bias": tensor([4]), "norm1.running_mean": tensor([4]),
            "norm1.running_var": .float32(Tensor(repeating: 1, shape: [4])),
            "projection.weight": tensor([2, 4]), "projection.bias": tensor([2]),
            "centroids.weight": tensor([3, 2]),
        ])
}

/// A small int8 model: one convolution and a projection.
func smallInt8Checkpoint() -> Checkpoint {
    var checkpoint = smallCheckpoint()
    checkpoint.precision = .int8
    checkpoint.weightBits = 8
    checkpoint.network.layers.removeAll { ["norm1", "relu1"].contains($0.name) }
    checkpoint.network.layers[1].inputs = ["conv1"]
    checkpoint.tensors = [
        "conv1.weight": .int8(Tensor(repeating: 100, shape: [4, 3, 3, 3])),
        "conv1.weight_scale": .float32(Tensor(repeating: 0.1, shape: [4])),
        "conv1.bias": .int32(Tensor(repeating: -5, shape: [4])),
        "projection.weight": .int8(Tensor(repeating: -100, shape: [2, 4])),
        "projection.weight_scale": .float32(Tensor(repeating: 0.1, shape: [2])),
        "projection.bias": .int32(Tensor(repeating: 5, shape: [2])),
        "centroids.weight": checkpoint.tensors["centroids.weight"]!,
    ]
    for name in ["input", "conv1", "pool"] {
        checkpoint.tensors["\(name).output_scale"] = .float32(Tensor([0.5], shape: [1]))
        checkpoint.tensors["\(name).output_range"] = .int32(Tensor([0, 0, 255], shape: [3]))
    }
    return checkpoint
}

struct CheckpointTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }
    var path: String { folder.path + "/model.safetensors" }

    @Test(arguments: [smallCheckpoint(), smallInt8Checkpoint()])
    func aWrittenCheckpointReadsBackTheSame(checkpoint: Checkpoint) throws {
        try checkpoint.write(to: path)
        #expect(try Checkpoint(contentsOf: path) == checkpoint)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(left == ["model.safetensors"])
    }

    @Test func equalCheckpointsGiveEqualBytes() throws {
        try smallCheckpoint().write(to: path)
        let first = try FileDigest.sha256(ofFileAt: FilePath(path))
        try smallCheckpoint().write(to: path)
        #expect(try FileDigest.sha256(ofFileAt: FilePath(path)) == first)
    }

    @Test func dataBeginsAtAMultipleOf64() throws {
        try smallCheckpoint().write(to: path)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect((8 + length) % 64 == 0)
    }

    @Test func aCheckpointOfTheOtherPrecisionIsRefused() throws {
        try smallCheckpoint().write(to: path)
        #expect {
            try Checkpoint(contentsOf: path, needed: .int8)
        } throws: { "\($0)".contains(path) && "\($0)".contains("dctrain quantize") }
    }

    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let apply: @Sendable (inout Checkpoint) -> Void
    }

    @Test(arguments: [
        Damage(testDescription: "missing tensor") { $0.tensors["conv1.bias"] = nil },
        Damage(testDescription: "unknown tensor") {
            $0.tensors["extra.weight"] = .float32(Tensor([1], shape: [1]))
        },
        Damage(testDescription: "wrong shape") {
            $0.tensors["conv1.bias"] = .int32(Tensor(repeating: 0, shape: [5]))
        },
        Damage(testDescription: "a layer that should be folded") {
            $0.network.layers.insert(Layer("relu", .relu, inputs: ["conv1"]), at: 1)
        },
        Damage(testDescription: "cluster count") { $0.clustering?.clusters = 4 },
    ])
    func damageIsFoundBeforeWriting(damage: Damage) throws {
        var checkpoint = smallInt8Checkpoint()
        try checkpoint.validate()
        damage.apply(&checkpoint)
        #expect(throws: CheckpointError.self) { try checkpoint.write(to: path) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    // From FIPS 180-4's examples.
    @Test func digestsAreSHA256() throws {
        let text = FileDigest.sha256(Array("abc".utf8))
        #expect(text == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        try DurableFile.write("abc", to: FilePath(path))
        #expect(try FileDigest.sha256(ofFileAt: FilePath(path)) == text)
    }
}

struct InputSpecificationTests {
    @Test func theTableNormalizesPixelByPixel() {
        let table = InputSpecification.square(224).normalizationTable()
        #expect(table.count == 768)
        let (black, white) = ((0 - 0.485) / 0.229 as Float, (1 - 0.456) / 0.224 as Float)
        #expect(table[0] == black)
        #expect(table[256 + 255] == white)
    }

    @Test(arguments: [(28, 28), (96, 109), (224, 256)])
    func squareInputsLeaveTheCustomaryMargin(size: Int, shortSide: Int) {
        #expect(InputSpecification.square(size).shortSide == shortSide)
    }
}
