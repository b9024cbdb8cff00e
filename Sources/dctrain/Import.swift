import ArgumentParser
import Exchange
import Foundation
import Model

/// `dctrain import FILE -o OUT`: a network that another program trained, as a float checkpoint.
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn a pretrained network of another program into a float checkpoint.",
        discussion: """
            Reads what torch.save wrote (the zip of today and the older stream of pickles) and \
            safetensors, in float64, float32, float16 or bfloat16. The network is recognized by the \
            names of its tensors: EfficientNet-Lite0, ResNet-18, 34 and 50 of torchvision, ResNet-50 \
            of DeepCluster-v2 and SwAV, AlexNet and VGG16 of DeepCluster, VGG16-BN of torchvision. \
            Nothing in the file is executed.

            The result is for 'dctrain cluster'.
            """)

    @Argument(help: "A file of weights: .pth, .pth.tar, .pt or .safetensors.", completion: .file())
    var file: String

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The checkpoint to write.", valueName: "file"))
    var output: String

    @Option(
        help: ArgumentHelp(
            "The licence of the weights, to record; known for some networks.",
            valueName: "identifier"))
    var license: String?

    @Flag(help: "Keep the classifier, or the projection, behind the feature.")
    var keepHead = false

    @Flag(help: "Show which tensor became which layer, and which were left out.")
    var verbose = false

    @Option(
        help: ArgumentHelp(
            "Show the five strongest outputs for the pictures of a folder or a list.",
            valueName: "pictures"))
    var verify: String?

    @Option(help: "The number of threads; all processors by default.")
    var threads = ProcessInfo.processInfo.activeProcessorCount

    @Flag(help: "Print the report as JSON, with all outputs.")
    var json = false

    func validate() throws {
        guard output != file else {
            throw ValidationError("--output would replace the weights: name another file")
        }
        guard license?.isEmpty != true else {
            throw ValidationError("--license needs an identifier, as in Apache-2.0")
        }
        guard threads > 0 else { throw ValidationError("--threads must be at least 1") }
    }

    func run() throws {
        let imported = try ImportedNetwork(
            contentsOf: file, options: ImportOptions(keepsHead: keepHead, license: license))
        try imported.checkpoint.write(to: output)
        var report = try ImportReport(
            imported, keepsHead: keepHead, file: file, output: output)
        if let verify {
            report.pictures = try StrongestOutputs.all(
                of: withHead(imported), for: verify, threads: threads)
        }
        print(json ? try report.json() : report.text(verbose: verbose))
    }

    /// The same network with the head that the file has, kept or not.
    private func withHead(_ imported: ImportedNetwork) throws -> Checkpoint {
        guard imported.head != .none, !keepHead else { return imported.checkpoint }
        return try ImportedNetwork(contentsOf: file, options: ImportOptions(keepsHead: true))
            .checkpoint
    }
}
