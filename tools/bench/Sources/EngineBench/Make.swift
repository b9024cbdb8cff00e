import ArgumentParser
import Foundation
import Model
import Quantization
import Tensors

/// `engine-bench make NETWORK -o FILE`: an int8 checkpoint to measure.
struct Make: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write an int8 checkpoint of a network with seeded weights, or of a file's.",
        discussion: "Networks: " + BenchNetwork.allCases.map(\.rawValue).joined(separator: ", "))

    @Argument(help: "A network by name, or a float checkpoint with clusters.")
    var network: String

    @Option(name: .shortAndLong, help: "The int8 checkpoint.")
    var output: String

    @Option(help: "Bits of the weights, 7 or 8.")
    var weightBits = 8

    @Option(help: "Seeded pictures to calibrate with.")
    var pictures = 6

    @Option(help: "The seed of weights and pictures.")
    var seed: UInt64 = 5

    func run() throws {
        let checkpoint =
            if let known = BenchNetwork(rawValue: network) {
                try SeededModel.checkpoint(known, pictures: pictures, seed: seed)
            } else {
                try Checkpoint(contentsOf: network, needed: .float32)
            }
        let views = SeededPictures.views(
            pictures, height: checkpoint.input.height, width: checkpoint.input.width, seed: seed)
        let (quantized, drift) = try Quantizer.quantize(
            checkpoint, calibration: views, weightBits: weightBits,
            threads: ProcessInfo.processInfo.activeProcessorCount)
        try quantized.write(to: output)
        let cosine = String(format: "%.5f", drift.meanCosine)
        print("\(output): mean cosine with the float network \(cosine)")
    }
}

/// The networks that the engine is measured on.
enum BenchNetwork: String, CaseIterable {
    case alexnet, vgg16, resnet18, resnet50, small
    case efficientNetLite0 = "efficientnet-lite0"

    /// The graph without a head.
    var backbone: Network {
        switch self {
        case .alexnet: .alexNet(sobel: true)
        case .vgg16: .vgg16(sobel: true)
        case .resnet18: .resNet18()
        case .resnet50: .resNet50()
        case .efficientNetLite0: .efficientNetLite0()
        case .small: .smallConvNet(sobel: false)
        }
    }

    /// The side of its pictures.
    var size: Int { self == .small ? 64 : 224 }
}
