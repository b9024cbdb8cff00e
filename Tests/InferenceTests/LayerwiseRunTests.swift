import Inference
import Model
import Tensors
import Testing

struct LayerwiseRunTests {
    // The biases of a layer are set right just before it is run, as the correction of biases does:
    // every input of a layer is then what the finished network gives.
    @Test(arguments: 0..<30 as Range<UInt64>)
    func layersMayChangeUntilTheyAreRun(seed: UInt64) throws {
        var random = SeededGenerator(seed: 51, stream: seed)
        let (width, height) = (6 + random.index(below: 9), 6 + random.index(below: 9))
        let network = RandomNetworks.network(width: width, height: height, seed: seed)
        let finished = try Int8Checkpoints.random(
            network, width: width, height: height, seed: seed)
        let count = 1 + random.index(below: 3)
        let pixels = Int8Checkpoints.pixels(finished, count: count, seed: seed)
        let size = pixels.count / count
        let interpreter = try Interpreter(finished)
        let expected = try (0..<count).map {
            try interpreter.run(Array(pixels[$0 * size..<($0 + 1) * size])).outputs
        }
        var draft = finished
        for (name, tensor) in finished.tensors {
            guard name.hasSuffix(".bias"), case .int32(let bias) = tensor else { continue }
            draft.tensors[name] = .int32(
                Tensor(bias.elements.map { $0 / 2 + 40 }, shape: bias.shape))
        }
        var run = try LayerwiseRun(
            draft, pixels: Tensor(pixels, shape: [count, height, width, 3]),
            threads: 1 + random.index(below: 3))
        for layer in network.layers where finished.tensors["\(layer.name).bias"] != nil {
            try run.advance(to: layer.name, with: draft)
            let input = layer.inputs[0]
            let found = run.output(of: input)
            #expect(found.shape[0] == count)
            if input == Network.input {
                #expect(found.elements.count == pixels.count)
            } else {
                #expect(
                    found.elements == expected.flatMap { $0[input] ?? [] },
                    "seed \(seed), the input of '\(layer.name)' of \(network.layers)")
            }
            draft.tensors["\(layer.name).bias"] = finished.tensors["\(layer.name).bias"]
        }
    }
}
