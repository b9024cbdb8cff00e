import Answers
import ArgumentParser
import FloatNetworks
import Model
import Tensors

/// What `run train` measures: a step of training and the feature pass, timed when told.
///
/// It prints one line of JSON when ready, then for each line `run N` the seconds of N calls.
@main
struct TrainBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train-bench", abstract: "Times a step or a feature pass on request.")

    /// A network that is measured.
    enum Backbone: String, ExpressibleByArgument, CaseIterable {
        case small, alexnet, vgg16, resnet18, resnet50
        case efficientNetLite0 = "efficientnet-lite0"
    }

    @Argument(help: "A network; small has pictures of 32 pixels, the others of 224.")
    var network: Backbone

    @Option(help: "Pictures a call.")
    var batch: Int

    @Option(help: "Threads of a call.")
    var threads: Int

    @Flag(help: "Forward in evaluation mode, up to the feature, instead of a step.")
    var features = false

    func run() throws {
        var random = SeededGenerator(seed: 1)
        let model = try makeNetwork(&random)
        let shape = Shape([batch] + model.inputShape.extents)
        let pictures = Tensor(random.normals(shape.count, deviation: 1), shape: shape)
        let slopes = Tensor(
            random.normals(batch * model.outputShape.count, deviation: 1e-3),
            shape: [batch, model.outputShape.count])
        let optimizer = SGD(learningRate: 1e-3, momentum: 0.9, weightDecay: 1e-5)
        try answerLines(first: ["parameters": model.tensors.values.reduce(0) { $0 + $1.count }]) {
            if features {
                _ = model.evaluate(pictures)
            } else {
                _ = model.forward(pictures, using: &random)
                model.backward(slopes)
                model.step(optimizer)
            }
        }
    }

    /// The headless network, for a step with 1,000 classes behind it.
    private func makeNetwork(_ random: inout SeededGenerator) throws -> FloatNetwork {
        var graph =
            switch network {
            case .small: Network.smallConvNet(sobel: false)
            case .alexnet: Network.alexNet(sobel: false)
            case .vgg16: Network.vgg16(sobel: false)
            case .resnet18: Network.resNet18()
            case .resnet50: Network.resNet50()
            case .efficientNetLite0: Network.efficientNetLite0()
            }
        let side = network == .small ? 32 : 224
        if !features {
            if network == .alexnet || network == .vgg16 { graph.append("relu7", .relu) }
            graph.append("top", .linear(outputs: 1000, hasBias: true))
        }
        let tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: [side, side, 3], using: &random)
        return try FloatNetwork(
            network: graph, inputShape: [side, side, 3], tensors: tensors, threads: threads)
    }
}

/// Times `body` as often as each line says, until the input ends.
private func answerLines(first: some Encodable, _ body: () throws -> Void) throws {
    try printJSON(first)
    while let line = readLine() {
        let words = line.split(separator: " ")
        guard words.first == "run", words.count == 2, let calls = Int(words[1]) else {
            throw ValidationError("'\(line)' is not 'run N'")
        }
        try printJSON(timed(calls: calls, body))
    }
}
