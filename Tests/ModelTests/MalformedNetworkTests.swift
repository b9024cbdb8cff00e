import Foundation
import Model
import Tensors
import Testing

/// Headers whose graph, input or description cannot be used.
struct MalformedNetworkTests {
    typealias Reason = CheckpointError.Reason
    typealias Damage = MalformedTensorTests.Damage

    // The layers of the int8 file: 0 conv1, 1 pool, 2 projection, 3 normalize, 4 centroids.
    @Test(arguments: [
        Damage(
            "a cycle", .network(.unknownInput(layer: "conv1", input: "pool"))
        ) { $0[layer: 0, "inputs"] = .scalar("[\"pool\"]") },
        Damage(
            "a layer that reads itself", .network(.unknownInput(layer: "pool", input: "pool"))
        ) { $0[layer: 1, "inputs"] = .scalar("[\"pool\"]") },
        Damage(
            "an unknown input", .network(.unknownInput(layer: "pool", input: "conv9"))
        ) { $0[layer: 1, "inputs"] = .scalar("[\"conv9\"]") },
        Damage(
            "no input", .network(.wrongInputCount(layer: "pool", found: 0, expected: 1))
        ) { $0[layer: 1, "inputs"] = .scalar("[]") },
        Damage(
            "two inputs", .network(.wrongInputCount(layer: "pool", found: 2, expected: 1))
        ) { $0[layer: 1, "inputs"] = .scalar("[\"conv1\",\"conv1\"]") },
        Damage("two layers of one name", .network(.duplicateName("conv1"))) {
            $0[layer: 1, "name"] = "conv1"
        },
        Damage("a layer called as the input", .network(.duplicateName("input"))) {
            $0[layer: 1, "name"] = "input"
        },
        Damage("an unknown feature", .network(.unknownFeature("fc9"))) {
            $0["network"]?["feature"] = "fc9"
        },
        Damage(
            "an unknown kind",
            .invalidMetadata(
                field: "network.layers.1.kind", reason: "layer 'pool' is of the unknown kind 'warp'"
            )
        ) { $0[layer: 1, "kind"] = "warp" },
        Damage(
            "an unknown hyper-parameter",
            .invalidMetadata(
                field: "network.layers.0.kind",
                reason: "layer 'conv1' has the unknown field 'dilation'"
            )
        ) { $0[layer: 0, "dilation"] = 2 },
        Damage(
            "a missing hyper-parameter",
            .invalidMetadata(field: "network.layers.0", reason: "it has no 'stride'")
        ) { $0[layer: 0, "stride"] = nil },
        Damage(
            "a hyper-parameter twice",
            .invalidMetadata(field: "network.layers.0.stride", reason: "it is there twice")
        ) { $0.header.repeat(["__metadata__", "network", "layers", "0", "stride"]) },
        Damage(
            "groups that do not divide",
            .network(
                .invalidParameter(
                    layer: "conv1",
                    reason: "2 groups do not divide 3 input and 4 output channels"))
        ) { $0[layer: 0, "groups"] = 2 },
        Damage(
            "no groups",
            .network(
                .invalidParameter(
                    layer: "conv1",
                    reason: "0 groups do not divide 3 input and 4 output channels"))
        ) { $0[layer: 0, "groups"] = 0 },
        Damage(
            "a stride of 0",
            .network(
                .invalidParameter(
                    layer: "conv1", reason: "window 3×3, stride 0, padding [0, 0, 0, 0]"))
        ) { $0[layer: 0, "stride"] = 0 },
        Damage(
            "a negative stride",
            .network(
                .invalidParameter(
                    layer: "conv1", reason: "window 3×3, stride -1, padding [0, 0, 0, 0]"))
        ) { $0[layer: 0, "stride"] = .scalar("-1") },
        Damage(
            "a window larger than the map",
            .network(
                .wrongInputShape(
                    layer: "conv1", found: [8, 8, 3], expected: "at least 9×3 with its padding"))
        ) { $0[layer: 0, "kernel"] = .scalar("[9,3]") },
        Damage(
            "the largest padding",
            .network(
                .invalidParameter(
                    layer: "conv1",
                    reason: "window 3×3, stride 1, padding [\(Int.max), 0, 0, 0]"))
        ) { $0[layer: 0, "padding"] = .scalar("[\(Int.max),0,0,0]") },
        Damage(
            "a negative padding",
            .network(
                .invalidParameter(
                    layer: "conv1", reason: "window 3×3, stride 1, padding [0, -1, 0, 0]"))
        ) { $0[layer: 0, "padding"] = .scalar("[0,-1,0,0]") },
        Damage(
            "two values for a padding",
            .invalidMetadata(
                field: "network.layers.0.padding", reason: "'padding' has 2 values, not 4")
        ) { $0[layer: 0, "padding"] = .scalar("[0,0]") },
        Damage(
            "filters beyond number",
            .network(
                .invalidParameter(
                    layer: "conv1", reason: "its output would be [6, 6, \(Int.max)]"))
        ) { $0[layer: 0, "outputs"] = .scalar("\(Int.max)") },
        Damage(
            "a negative number of filters",
            .network(
                .invalidParameter(
                    layer: "conv1",
                    reason: "1 groups do not divide 3 input and -4 output channels"))
        ) { $0[layer: 0, "outputs"] = .scalar("-4") },
        Damage(
            "a negative number of outputs",
            .network(.invalidParameter(layer: "projection", reason: "it would have -2 outputs"))
        ) { $0[layer: 2, "outputs"] = .scalar("-2") },
        Damage(
            "no clusters",
            .network(.invalidParameter(layer: "centroids", reason: "it would have 0 outputs"))
        ) { $0[layer: 4, "count"] = 0 },
        Damage(
            "a negative number of clusters",
            .network(.invalidParameter(layer: "centroids", reason: "it would have -3 outputs"))
        ) { $0[layer: 4, "count"] = .scalar("-3") },
        Damage(
            "a layer that quantization folds away",
            .wrongLayer(layer: "pool", kind: "relu", precision: .int8)
        ) { $0[layer: 1, "kind"] = "relu" },
        Damage(
            "centroids of what has no unit length",
            .wrongLayer(layer: "normalize", kind: "l2_normalize", precision: .int8)
        ) { $0[layer: 4, "inputs"] = .scalar("[\"projection\"]") },
        Damage(
            "a normalization of bytes",
            .wrongLayer(layer: "normalize", kind: "l2_normalize", precision: .int8)
        ) {
            $0[layer: 3, "inputs"] = .scalar("[\"pool\"]")
            $0["clustering"]?["dimension"] = 4
        },
        Damage("a missing layer", .network(.unknownInput(layer: "projection", input: "pool"))) {
            $0.header["__metadata__", "network", "layers", "1"] = nil
        },
        Damage("no layers", .network(.unknownFeature("pool"))) {
            $0["network"]?["layers"] = .scalar("[]")
        },
    ])
    func graphsThatCannotRun(damage: Damage) throws { try expectRefusal(damage) }

    @Test(arguments: [
        Damage("a newer version", .unsupportedVersion(found: "2", newest: 1)) {
            $0["format_version"] = "2"
        },
        Damage("no version", .unsupportedVersion(found: "none", newest: 1)) {
            $0["format_version"] = nil
        },
        Damage("a version that is no number", .unsupportedVersion(found: "one", newest: 1)) {
            $0["format_version"] = "one"
        },
        Damage("another format", .foreign) { $0["format"] = "pt" },
        Damage("no metadata", .foreign) { $0.header["__metadata__"] = nil },
        Damage("an unknown precision", .invalidMetadata(field: "precision", reason: "int4")) {
            $0["precision"] = "int4"
        },
        Damage(
            "int8 weights in a float file",
            .wrongType(tensor: "conv1.weight", expected: "F32", found: "I8")
        ) { $0["precision"] = "float32" },
        Damage("9 bits", .invalidMetadata(field: "weight_bits", reason: "9")) {
            $0["weight_bits"] = "9"
        },
        Damage("no bits", .invalidMetadata(field: "weight_bits", reason: "missing")) {
            $0["weight_bits"] = nil
        },
        Damage("no network", .invalidMetadata(field: "network", reason: "missing")) {
            $0["network"] = nil
        },
        Damage(
            "a network that is no JSON",
            .invalidMetadata(field: "network", reason: "The given data was not valid JSON.")
        ) { $0["network"] = "{" },
        Damage(
            "an input of no size",
            .invalidMetadata(field: "input", reason: "its size is 0×8, not 1 to 4,096 pixels")
        ) { $0["input"]?["width"] = 0 },
        Damage(
            "an input of a negative size",
            .invalidMetadata(field: "input", reason: "its size is 8×-8, not 1 to 4,096 pixels")
        ) { $0["input"]?["height"] = .scalar("-8") },
        Damage(
            "a short side below the size",
            .invalidMetadata(field: "input", reason: "a short side of 7 cannot hold 8×8")
        ) { $0["input"]?["shortSide"] = 7 },
        Damage(
            "two means",
            .invalidMetadata(
                field: "input", reason: "mean and standard deviation need three values each")
        ) { $0["input"]?["mean"] = .scalar("[0,0]") },
        Damage(
            "a deviation of 0",
            .invalidMetadata(
                field: "input", reason: "a standard deviation is not a positive number")
        ) { $0["input"]?["standardDeviation"] = .scalar("[1,0,1]") },
        Damage(
            "more clusters than centroids",
            .invalidMetadata(
                field: "clustering", reason: "its sizes are not those of the network")
        ) { $0["clustering"]?["clusters"] = 4 },
        Damage(
            "a negative number of clusters",
            .invalidMetadata(
                field: "clustering", reason: "its sizes are not those of the network")
        ) { $0["clustering"]?["clusters"] = .scalar("-3") },
        Damage(
            "negative epochs",
            .invalidMetadata(field: "provenance", reason: "-1 epochs on 2 pictures")
        ) { $0["provenance"]?["epochs"] = .scalar("-1") },
        Damage(
            "metadata that is no string",
            .invalidMetadata(
                field: "__metadata__.license",
                reason: "Expected to decode String but found number instead.")
        ) { $0["license"] = 1 },
    ])
    func descriptionsThatCannotBeUsed(damage: Damage) throws { try expectRefusal(damage) }

    private func expectRefusal(_ damage: Damage) throws {
        var file = try CheckpointFile(smallInt8Checkpoint())
        damage.apply(&file)
        #expect(try CheckpointReading().refusal(file.bytes) == damage.reason)
    }

    // A pool's window must not lie outside the map, or its maximum is of nothing.
    @Test(arguments: [(2, [2, 0, 0, 0]), (2, [0, 0, 0, 2]), (3, [4000, 4000, 4000, 4000])])
    func poolsThatSeeNothing(kernel: Int, edges: [Int]) {
        let padding = Padding(
            top: edges[0], left: edges[1], bottom: edges[2], right: edges[3])
        for kind in [LayerKind.maxPool, LayerKind.averagePool] {
            let layer = Layer(
                "pool", kind(Pooling(kernel: kernel, stride: 1, padding: padding)),
                inputs: ["input"])
            let reason = "padding \(edges.max() ?? 0) reaches over a window of \(kernel)"
            #expect(throws: NetworkError.invalidParameter(layer: "pool", reason: reason)) {
                try layer.outputShape(inputs: [[8, 8, 3]])
            }
        }
    }

    // More layers than any network has are counted and not looked at, whatever their graph.
    @Test(arguments: [4_097, 20_000])
    func graphsThatAreTooDeep(count: Int) throws {
        let reason = try refusal(ofLayers: count)
        #expect(reason == .network(.tooManyLayers(found: count + 3, most: 4096)))
    }

    @Test func graphsThatAreFarTooDeep() throws {
        let reason = try refusal(ofLayers: 100_000)
        #expect(
            reason == .invalidMetadata(field: "network", reason: "it holds more than 262144 values")
        )
    }

    /// The refusal of a chain of `count` additions before the small float model's end.
    private func refusal(ofLayers count: Int) throws -> Reason? {
        var file = try CheckpointFile(smallCheckpoint())
        let chain = (0..<count).map { index in
            let before = index == 0 ? "input" : "a\(index - 1)"
            return
                "{\"name\":\"a\(index)\",\"kind\":\"add\",\"inputs\":[\"\(before)\",\"\(before)\"]}"
        }
        let end = file["network"]?["layers"].map { layers -> [String] in
            guard case .array(let elements) = layers else { return [] }
            return elements.suffix(3).map(\.text)
        }
        let layers = (chain + (end ?? [])).joined(separator: ",")
        file["network"]?["layers"] = .scalar("[\(layers)]")
        return try CheckpointReading().refusal(file.bytes)
    }
}
